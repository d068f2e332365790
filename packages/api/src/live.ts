import { z } from "zod";
import { event } from "./events.ts";
import { id } from "./platform.ts";
import { server } from "./servers.ts";

/**
 * The WebSocket at /api/v1/live: JSON text messages both ways. A topic is "servers" (the list: state and newest values)
 * "server:<id>" (1-second frames of one server) or "events" (what happens, without a gap). The server pings; a slow reader loses frames, never order.
 */
export const liveClientMessage = z.discriminatedUnion("type", [
  z.object({ type: z.literal("subscribe"), topic: z.string().max(100) }),
  z.object({ type: z.literal("unsubscribe"), topic: z.string().max(100) }),
  /** Answered by "pong" at once: how a page finds out that a quiet connection is dead, which its browser does not tell it. */
  z.object({ type: z.literal("ping") }),
]);
export type LiveClientMessage = z.infer<typeof liveClientMessage>;

const second = {
  timeMs: z.number(),
  rows: z.array(z.object({ family: z.string(), instance: z.string(), values: z.array(z.number().nullable()) })),
};
const value = z.number().nullable();
/** [id, timeMs, cpuPercent, load1, memoryUsedBytes, memoryTotalBytes, diskUsedPercent, diskMount, receive…, transmitBytesPerSecond] */
export const latestRow = z.tuple([id, z.number(), value, value, value, value, value, z.string().nullable(), value, value]);
export type LatestRow = z.infer<typeof latestRow>;

export const liveServerMessage = z.discriminatedUnion("type", [
  z.object({ type: z.literal("subscribed"), topic: z.string() }),
  z.object({ type: z.literal("pong") }),
  z.object({ type: z.literal("refused"), topic: z.string(), code: z.string(), message: z.string() }),
  /** Whether the controller's database can be used; sent first when it cannot, and whenever that changes. `sinceMs`: since 1970-01-01 UTC. */
  z.object({ type: z.literal("health"), database: z.enum(["ok", "unavailable"]), sinceMs: z.number() }),
  /** Changes may have been missed, and neither they nor what was removed is known: fetch again what you show. */
  z.object({ type: z.literal("missed") }),
  /** Servers whose state, name, facts or warnings changed since the last message; at most once a second. */
  z.object({ type: z.literal("servers"), changed: z.array(server), removed: z.array(id) }),
  /** What happened since the subscription, in the order of its commits. */
  z.object({ type: z.literal("events"), events: z.array(event) }),
  /**
   * Newest values that were stored since the last message, every 2 s: server, its interval's start (milliseconds since
   * 1970-01-01 UTC), then as in Server.latest, in its order.
   */
  z.object({ type: z.literal("values"), rows: z.array(latestRow) }),
  /** One second of one server, natural units, values in catalogue order of measures. */
  z.object({ type: z.literal("frame"), serverId: id, ...second }),
  /** The seconds before the first frame, oldest first; may come after it. */
  z.object({ type: z.literal("frames"), serverId: id, frames: z.array(z.object(second)) }),
]);
export type LiveServerMessage = z.infer<typeof liveServerMessage>;
