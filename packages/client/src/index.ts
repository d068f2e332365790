export { createClient, type Client } from "./client.ts";
export { DevFlowError } from "./error.ts";
export type { EventsOptions, TypedEvent } from "./events.ts";
export type { Following, FollowOptions, LiveMessage } from "./follow.ts";
export type { CallOptions, Connection } from "./send.ts";
export type { components, paths } from "./gen/schema.ts";
