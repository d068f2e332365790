declare const DEVFLOW_CLI_VERSION: string | undefined;

/** Set when it is built; "0.0.0-dev" from sources. */
export const version: string = typeof DEVFLOW_CLI_VERSION === "string" ? DEVFLOW_CLI_VERSION : "0.0.0-dev";
