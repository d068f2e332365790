import { AppError } from "@devflow/errors";
import { addressGroup } from "../../address-group.ts";
import type { Config } from "../../../config.ts";
import type { Principal } from "../../auth/index.ts";
import type { RequestLimits, Verdict } from "../../limits/index.ts";
import type { Identify } from "./identify.ts";

/** One request that was counted, and why it may not pass. */
export interface Counted extends Verdict {
  readonly refusal: AppError | null;
}

/** Requests by token or user, and by address for whoever has no valid credentials. */
export function createCount(limits: RequestLimits, { known, unknown }: Config["rateLimit"]) {
  return async (principal: Principal | null, address: string | null): Promise<Counted | null> => {
    const limit = principal === null ? unknown : known;
    if (limit === 0) return null;
    const key = principal === null ? `address:${addressGroup(address ?? "unknown")}` : `${principal.kind}:${principal.id}`;
    const taken = limits.take(`api:${key}`, limit);
    const verdict = taken instanceof Promise ? await taken : taken;
    if (verdict.allowed) return { ...verdict, refusal: null };
    const whose = principal === null ? "without valid credentials from this address" : `of this ${principal.kind}`;
    const refusal = new AppError("rate_limited", `More than ${limit} requests a minute ${whose}; go on in ${verdict.resetSeconds} s`, {
      details: { retryAfterSeconds: verdict.resetSeconds },
    });
    return { ...verdict, refusal };
  };
}
export type Count = ReturnType<typeof createCount>;

/**
 * Identifies, then counts the request. Sets RateLimit-Limit, -Remaining and -Reset
 * (draft-ietf-httpapi-ratelimit-headers-06); throws AppError rate_limited.
 */
export function createAdmit(identify: Identify, count: Count): Identify {
  return async (call) => {
    const caller = await identify(call);
    const counted = await count(caller.principal, caller.address);
    if (counted === null) return caller;
    call.header("ratelimit-limit", String(counted.limit));
    call.header("ratelimit-remaining", String(counted.remaining));
    call.header("ratelimit-reset", String(counted.resetSeconds));
    if (counted.refusal !== null) throw counted.refusal;
    return caller;
  };
}
