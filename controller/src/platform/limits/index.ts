import type { Context } from "../context.ts";
import { createRequestLimits, type RequestLimits } from "./request-limits.ts";
import { leaseFromDatabase, purgeWindows } from "./windows.ts";

export type { RequestLimits, Verdict } from "./request-limits.ts";
export { createThrottle, type AttemptLimit, type Throttle } from "./throttle.ts";

const purgeEveryMs = 5 * 60_000;

/** Request limits over the database's shared windows; close() ends the purge of old ones. */
export function createLimits(ctx: Context): RequestLimits & { close(): void } {
  const limits = createRequestLimits({
    lease: leaseFromDatabase(ctx),
    now: () => ctx.clock.now(),
    onError: (error) => ctx.log.warn({ scope: "limits", err: error }, "requests are counted by this controller alone for the moment"),
  });
  const purge = setInterval(() => {
    purgeWindows(ctx).catch((error: unknown) => ctx.log.warn({ scope: "limits", err: error }, "could not forget old windows"));
  }, purgeEveryMs);
  purge.unref();
  return { ...limits, close: () => clearInterval(purge) };
}
