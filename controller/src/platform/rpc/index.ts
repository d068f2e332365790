/** gRPC status codes, for the streams of features. */
export { status } from "@grpc/grpc-js";
export { createGateway, type GatewayOptions, type RunningGateway } from "./gateway.ts";
export type { AgentConnection, AgentIdentity, Gateway, GatewayCredentials, IdentityAnswer, IdentityRefusal } from "./types.ts";
