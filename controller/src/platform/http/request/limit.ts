import { AppError } from "@devflow/errors";
import { addressGroup } from "../../address-group.ts";
import type { Config } from "../../../config.ts";
import type { Principal } from "../../auth/index.ts";
import type { RequestLimits, Verdict } from "../../limits/index.ts";
import type { Call } from "./call.ts";

/** One request that was counted, and why it may not pass. */
export interface Counted extends Verdict {
  readonly refusal: AppError | null;
}

/** Requests by token or user, and by address for whoever has no valid credentials. */
export function createCount(limits: RequestLimits, { known, unknown }: Config["rateLimit"]) {
  return async (principal: Principal | null, address: string | null): Promise<Counted | null> => {
    const limit = principal === null ? unknown : known;
    if (limit === 0) return null;
    const taken = limits.take(principal === null ? keyOf(address) : `api:${principal.kind}:${principal.id}`, limit);
    const verdict = taken instanceof Promise ? await taken : taken;
    if (verdict.allowed) return { ...verdict, refusal: null };
    return refused(verdict, principal === null ? unknownCallers : `of this ${principal.kind}`);
  };
}
export type Count = ReturnType<typeof createCount>;

/** Look-ups a minute that an address keeps when it has used up its requests: a tenth of them. */
const spareOf = (limit: number) => Math.ceil(limit / 10);
const maxAddresses = 50_000;

/**
 * The refusal of an address that has used up what it may do without valid credentials; null: it may go on. Asked before
 * credentials are looked up that may be made up, so that a flood of them costs no query each. A few look-ups are left
 * to it, so that somebody with good credentials gets in beside a neighbour whose are not.
 */
export function createSpent(limits: RequestLimits, { unknown }: Config["rateLimit"], now: () => number) {
  let minute = -1;
  let used = new Map<string, number>();
  return (address: string | null): Counted | null => {
    const key = keyOf(address);
    const verdict = unknown === 0 ? null : limits.spent(key, unknown);
    if (verdict === null) return null;
    const present = Math.floor(now() / 60_000);
    if (present !== minute || used.size >= maxAddresses) used = new Map();
    minute = present;
    const before = used.get(key) ?? 0;
    if (before >= spareOf(unknown)) return refused(verdict, unknownCallers);
    used.set(key, before + 1);
    return null;
  };
}
export type Spent = ReturnType<typeof createSpent>;

const unknownCallers = "without valid credentials from this address";
const keyOf = (address: string | null) => `api:address:${addressGroup(address ?? "unknown")}`;

function refused(verdict: Verdict, whose: string): Counted {
  const { limit, resetSeconds } = verdict;
  const refusal = new AppError("rate_limited", `More than ${limit} requests a minute ${whose}; go on in ${resetSeconds} s`, {
    details: { retryAfterSeconds: resetSeconds },
  });
  return { ...verdict, refusal };
}

/** Writes RateLimit-Limit, -Remaining and -Reset; throws the refusal, if it is one. */
export function tell(call: Call, { limit, remaining, resetSeconds, refusal }: Counted): void {
  call.header("ratelimit-limit", String(limit));
  call.header("ratelimit-remaining", String(remaining));
  call.header("ratelimit-reset", String(resetSeconds));
  if (refusal !== null) throw refusal;
}
