/** What one request under a key came to. */
export interface Verdict {
  readonly allowed: boolean;
  /** Requests a window. */
  readonly limit: number;
  /** What is left of it, as far as this controller knows. */
  readonly remaining: number;
  /** Whole seconds until the next window begins. */
  readonly resetSeconds: number;
}

/**
 * Takes `count` from the window of a key, in the count that all controllers share; resolves with what is taken of it
 * in all, this included.
 */
export type Lease = (key: string, count: number, endsAtMs: number) => Promise<number>;

export interface RequestLimits {
  /** Counts one request; a promise only when a block has to be leased first. */
  take(key: string, limit: number): Verdict | Promise<Verdict>;
  /** The refusal of a key whose window is known to be used up; null: the next request may pass. Counts nothing. */
  spent(key: string, limit: number): Verdict | null;
}

interface Window {
  /** Of the block that this process holds. */
  left: number;
  /** Given out here and not yet in the shared count. */
  unreported: number;
  /** Given out here in all. */
  given: number;
  /** The shared count when it was asked last. */
  taken: number;
  exhausted: boolean;
  leasing: Promise<void> | null;
}

/** A window is leased in so many blocks: the most that a process may hold unused, and what two may differ by. */
const blocks = 20;
export const blockOf = (limit: number): number => Math.max(1, Math.ceil(limit / blocks));

const retryAfterMs = 1_000;

/**
 * Requests by key in fixed windows, shared by several controllers without a write a request. The first block of each
 * window costs nothing and is told with the second one, so that whoever asks seldom never writes; blocks are then
 * leased from the shared count one by one. While that is away each controller goes on with the whole limit for itself.
 * @param options.windowMs default one minute, by this machine's clock
 * @param options.maxKeys the oldest keys of a window are forgotten beyond it; default 50,000
 */
export function createRequestLimits(options: {
  lease: Lease;
  now: () => number;
  onError: (error: unknown) => void;
  windowMs?: number;
  maxKeys?: number;
}): RequestLimits {
  const { lease, now, onError, windowMs = 60_000, maxKeys = 50_000 } = options;
  let windows = new Map<string, Window>();
  let current = -1;
  let awayUntilMs = 0;

  const open = (key: string, limit: number): Window => {
    if (windows.size >= maxKeys) windows.delete(windows.keys().next().value!);
    const block = blockOf(limit);
    const window: Window = { left: block, unreported: block, given: block, taken: 0, exhausted: false, leasing: null };
    windows.set(key, window);
    return window;
  };

  const verdict = (window: Window, limit: number, index: number, allowed: boolean): Verdict => ({
    allowed,
    limit,
    // The shared count holds this process's whole block, used or not.
    remaining: Math.max(0, limit - Math.max(window.taken, window.given) + window.left),
    resetSeconds: Math.max(1, Math.ceil(((index + 1) * windowMs - now()) / 1000)),
  });

  /** The next block of a window, or the knowledge that there is none. */
  const refill = async (window: Window, key: string, limit: number, index: number): Promise<void> => {
    const block = blockOf(limit);
    if (now() >= awayUntilMs) {
      const told = window.unreported;
      try {
        const taken = await lease(`${key}:${index}`, told + block, (index + 1) * windowMs);
        const granted = Math.min(block, Math.max(0, limit - (taken - block)));
        Object.assign(window, { left: granted, unreported: window.unreported - told, given: window.given + granted });
        window.taken = Math.min(limit, taken);
        window.exhausted = granted === 0;
        return;
      } catch (error) {
        awayUntilMs = now() + retryAfterMs;
        onError(error);
      }
    }
    const granted = Math.min(block, Math.max(0, limit - window.given));
    Object.assign(window, { left: granted, unreported: window.unreported + granted, given: window.given + granted });
    window.exhausted = granted === 0;
  };

  const takeSlowly = async (window: Window, key: string, limit: number, index: number): Promise<Verdict> => {
    while (window.left === 0 && !window.exhausted) {
      window.leasing ??= refill(window, key, limit, index).finally(() => (window.leasing = null));
      await window.leasing;
    }
    if (window.left === 0) return verdict(window, limit, index, false);
    window.left -= 1;
    return verdict(window, limit, index, true);
  };

  return {
    spent(key, limit) {
      const index = Math.floor(now() / windowMs);
      const window = index === current ? windows.get(key) : undefined;
      return window?.exhausted === true ? verdict(window, limit, index, false) : null;
    },
    take(key, limit) {
      const index = Math.floor(now() / windowMs);
      if (index !== current) {
        windows = new Map();
        current = index;
      }
      const window = windows.get(key) ?? open(key, limit);
      if (window.exhausted) return verdict(window, limit, index, false);
      if (window.left === 0) return takeSlowly(window, key, limit, index);
      window.left -= 1;
      return verdict(window, limit, index, true);
    },
  };
}
