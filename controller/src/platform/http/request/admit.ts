import type { Identify } from "./identify.ts";
import { type Count, tell } from "./limit.ts";

/**
 * Identifies, then counts the request. Sets RateLimit-Limit, -Remaining and -Reset
 * (draft-ietf-httpapi-ratelimit-headers-06); throws AppError rate_limited.
 */
export function createAdmit(identify: Identify, count: Count): Identify {
  return async (call) => {
    const caller = await identify(call);
    const counted = await count(caller.principal, caller.address);
    if (counted !== null) tell(call, counted);
    return caller;
  };
}
