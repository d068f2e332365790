import { AppError } from "@devflow/errors";
import { addressGroup } from "../address-group.ts";
import type { AttemptLimit, Throttle } from "../limits/index.ts";
import type { Caller } from "./caller.ts";

export type Attempt = <T>(account: string, caller: Caller, work: () => Promise<T>) => Promise<T>;

/** Guesses: by account and address together, by address, and by account from everywhere. */
export const guessLimits: readonly AttemptLimit[] = [
  { prefix: "both:", attempts: 5 },
  { prefix: "address:", attempts: 20 },
  { prefix: "account:", attempts: 50 },
];

/** Everything that can be guessed goes through here: the one user of the throttle. */
export function createAttempts(throttle: Throttle): Attempt {
  return async (account, caller, work) => {
    const address = addressGroup(caller.address ?? "unknown");
    const keys = [`both:${account}|${address}`, `address:${address}`, `account:${account}`];
    // Counted beforehand, so that attempts at the same time do not slip through together, here or at two controllers.
    const wait = await throttle.count(keys);
    if (wait > 0) {
      throw new AppError("rate_limited", `Too many wrong attempts; try again in ${Math.ceil(wait / 60)} minutes`, {
        details: { retryAfterSeconds: wait },
      });
    }
    try {
      const result = await work();
      // Only what this address tried on this account is forgiven; a right guess must not wipe out guesses at others.
      await throttle.forget(keys.slice(0, 1));
      await throttle.takeBack(keys.slice(1));
      return result;
    } catch (error) {
      const wrong = error instanceof AppError && (error.code === "unauthenticated" || error.code === "invalid");
      // When that fails too, the reason for both is the one that is thrown.
      if (!wrong) await throttle.takeBack(keys).catch(() => undefined);
      throw error;
    }
  };
}
