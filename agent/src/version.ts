declare const DEVFLOW_AGENT_VERSION: string | undefined;

/** Stamped by scripts/build-agent.ts; run from the sources it is the workspace's version. */
export const agentVersion: string = typeof DEVFLOW_AGENT_VERSION === "string" ? DEVFLOW_AGENT_VERSION : "0.1.0-dev";
