import { AppError } from "@devflow/errors";
import { addressGroup } from "../../platform/address-group.ts";
import type { Context } from "../../platform/context.ts";
import { createThrottle } from "../../platform/limits/index.ts";

/** How often what may be tried. */
export interface LoginLimits {
  /** Counts a new login of this address; throws AppError rate_limited beyond 20 in 15 minutes. */
  begin(address: string | null): Promise<void>;
  /**
   * Counts a user code that this user tries; throws AppError rate_limited after 10 wrong ones in 15 minutes. Counted
   * beforehand, so that guesses at the same time do not slip through together; a right one is taken back.
   */
  mayGuess(userId: string): Promise<void>;
  rightGuess(userId: string): Promise<void>;
  /** Throws AppError rate_limited after 60 unknown device codes of this address in 15 minutes. */
  mayCollect(address: string | null): Promise<void>;
  unknownDevice(address: string | null): Promise<void>;
}

export function createLoginLimits(ctx: Pick<Context, "sql" | "clock">): LoginLimits {
  const throttle = createThrottle(ctx, [
    { prefix: "begin:", attempts: 20 },
    { prefix: "guess:", attempts: 10 },
    { prefix: "collect:", attempts: 60 },
  ]);
  const group = (address: string | null) => addressGroup(address ?? "unknown");
  const demand = (wait: number, what: string) => {
    if (wait > 0)
      throw new AppError("rate_limited", `${what}; try again in ${Math.ceil(wait / 60)} minutes`, { details: { retryAfterSeconds: wait } });
  };
  return {
    async begin(address) {
      demand(await throttle.count([`begin:${group(address)}`]), "Too many sign-ins of programs were begun from this address");
    },
    async mayGuess(userId) {
      demand(await throttle.count([`guess:${userId}`]), "Too many wrong codes");
    },
    rightGuess: (userId) => throttle.takeBack([`guess:${userId}`]),
    async mayCollect(address) {
      demand(await throttle.waitSeconds([`collect:${group(address)}`]), "Too many unknown device codes from this address");
    },
    unknownDevice: async (address) => void (await throttle.count([`collect:${group(address)}`])),
  };
}
