import { AppError } from "@devflow/errors";
import { addressGroup } from "../address-group.ts";
import type { Caller } from "./index.ts";
import type { Throttle } from "./throttle.ts";

export type Attempt = <T>(account: string, caller: Caller, work: () => Promise<T>) => Promise<T>;

/** Everything that can be guessed goes through here: the one user of the throttle. */
export function createAttempts(throttle: Throttle): Attempt {
  return async (account, caller, work) => {
    const address = addressGroup(caller.address ?? "unknown");
    const keys = [`both:${account}|${address}`, `address:${address}`, `account:${account}`];
    const wait = throttle.waitSeconds(keys);
    if (wait > 0) {
      throw new AppError("rate_limited", `Too many wrong attempts; try again in ${Math.ceil(wait / 60)} minutes`, {
        details: { retryAfterSeconds: wait },
      });
    }
    // Counted beforehand, so that attempts at the same time do not slip through together.
    throttle.fail(keys);
    try {
      const result = await work();
      // Only what this address tried on this account is forgiven; a right guess must not wipe out guesses at others.
      throttle.succeed(keys.slice(0, 1));
      throttle.takeBack(keys.slice(1));
      return result;
    } catch (error) {
      const wrong = error instanceof AppError && (error.code === "unauthenticated" || error.code === "invalid");
      if (!wrong) throttle.takeBack(keys);
      throw error;
    }
  };
}
