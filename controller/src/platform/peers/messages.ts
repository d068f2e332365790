import { z } from "zod";
import type { Events } from "../bus/index.ts";

/** Servers in one message at most; more go in several. */
export const serversAtOnce = 1_000;

const watch = z.strictObject({ watch: z.boolean(), servers: z.array(z.uuid()).max(serversAtOnce) });

/** From the process whose browsers watch to the gateway. */
export type WatchMessage = z.infer<typeof watch>;

/** Null when it is none. */
export function parseWatch(text: string): WatchMessage | null {
  try {
    return watch.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    // Not JSON: the caller ends the connection.
    return null;
  }
}

/** From the gateway back: an event of the bus. What a newer release adds is left alone. */
export function parseTold(text: string): ["live.frame", Events["live.frame"]] | ["live.history", Events["live.history"]] | null {
  const told = JSON.parse(text) as [string, never];
  return told[0] === "live.frame" || told[0] === "live.history" ? (told as never) : null;
}
