export * from "./platform.ts";
export * from "./users.ts";
export * from "./tokens.ts";
export * from "./servers.ts";
export * from "./inventory.ts";
export * from "./enrolment.ts";
export * from "./metrics.ts";
export * from "./live.ts";
