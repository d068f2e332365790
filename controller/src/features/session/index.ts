import type { Feature } from "../../platform/feature.ts";
import { sessionService } from "./agent.ts";

/** The agents' control stream: who is online, and what is wrong with them. It stands on other features; none on it. */
export const session: Feature = { name: "session", gateway: (gateway, ctx) => sessionService(gateway, ctx) };
