import { AppError } from "@devflow/errors";
import { addressGroup } from "../../platform/address-group.ts";
import { createThrottle } from "../../platform/auth/throttle.ts";

/** How often what may be tried. */
export interface LoginLimits {
  /** Counts a new login of this address; throws AppError rate_limited beyond 20 in 15 minutes. */
  begin(address: string | null): void;
  /** Throws AppError rate_limited after 10 wrong user codes of this user in 15 minutes. */
  mayGuess(userId: string): void;
  wrongGuess(userId: string): void;
  /** Throws AppError rate_limited after 60 unknown device codes of this address in 15 minutes. */
  mayCollect(address: string | null): void;
  unknownDevice(address: string | null): void;
}

export function createLoginLimits(now: () => number): LoginLimits {
  const throttle = createThrottle(now, [
    { prefix: "begin:", failures: 20 },
    { prefix: "guess:", failures: 10 },
    { prefix: "collect:", failures: 60 },
  ]);
  const group = (address: string | null) => addressGroup(address ?? "unknown");
  const demand = (key: string, what: string) => {
    const wait = throttle.waitSeconds([key]);
    if (wait > 0)
      throw new AppError("rate_limited", `${what}; try again in ${Math.ceil(wait / 60)} minutes`, { details: { retryAfterSeconds: wait } });
  };
  return {
    begin(address) {
      const key = `begin:${group(address)}`;
      demand(key, "Too many sign-ins of programs were begun from this address");
      throttle.fail([key]);
    },
    mayGuess: (userId) => demand(`guess:${userId}`, "Too many wrong codes"),
    wrongGuess: (userId) => throttle.fail([`guess:${userId}`]),
    mayCollect: (address) => demand(`collect:${group(address)}`, "Too many unknown device codes from this address"),
    unknownDevice: (address) => throttle.fail([`collect:${group(address)}`]),
  };
}
