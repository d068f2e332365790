/** Counts failures in a window and says when the next attempt may come. Bounded: the oldest keys are forgotten first. */
export interface Throttle {
  /** Seconds to wait before the next attempt under these keys; 0: go on. */
  waitSeconds(keys: readonly string[]): number;
  fail(keys: readonly string[]): void;
  /** Forgets these keys. */
  succeed(keys: readonly string[]): void;
  /** Takes back one fail(): the attempt was counted beforehand and was right. */
  takeBack(keys: readonly string[]): void;
}

interface Limit {
  /** Failures allowed in the window under a key that starts with this. */
  readonly prefix: string;
  readonly failures: number;
}

/** Sign-in: by account and address together, by address, and by account from everywhere. */
export const signInLimits: readonly Limit[] = [
  { prefix: "both:", failures: 5 },
  { prefix: "address:", failures: 20 },
  { prefix: "account:", failures: 50 },
];

/** @param windowMs default 15 minutes */
export function createThrottle(now: () => number, limits: readonly Limit[] = signInLimits, windowMs = 900_000, maxKeys = 50_000): Throttle {
  const windows = new Map<string, { since: number; failures: number }>();
  const live = (key: string) => {
    const window = windows.get(key);
    if (window === undefined) return undefined;
    if (now() - window.since < windowMs) return window;
    windows.delete(key);
    return undefined;
  };
  return {
    waitSeconds: (keys) =>
      keys.reduce((wait, key) => {
        const window = live(key);
        const limit = limits.find(({ prefix }) => key.startsWith(prefix));
        if (window === undefined || limit === undefined || window.failures < limit.failures) return wait;
        return Math.max(wait, Math.ceil((window.since + windowMs - now()) / 1000));
      }, 0),
    fail: (keys) => {
      for (const key of keys) {
        const window = live(key);
        if (window !== undefined) window.failures += 1;
        else {
          if (windows.size >= maxKeys) windows.delete(windows.keys().next().value!);
          windows.set(key, { since: now(), failures: 1 });
        }
      }
    },
    succeed: (keys) => keys.forEach((key) => windows.delete(key)),
    takeBack: (keys) => {
      for (const key of keys) {
        const window = live(key);
        if (window !== undefined) window.failures = Math.max(0, window.failures - 1);
      }
    },
  };
}
