export * from "./fresh-database.ts";
export * from "./devflow-process.ts";
export * from "./live-client.ts";
export * from "./proc.ts";
