/** Texts that were seen lately; bounded, the oldest are forgotten first. */
export interface RecentSet {
  has(text: string): boolean;
  /** Keeps a text for keepMs from now on. */
  add(text: string): void;
}

export function createRecentSet({ now, keepMs, maxEntries }: { now: () => number; keepMs: number; maxEntries: number }): RecentSet {
  const untilMs = new Map<string, number>();
  return {
    has(text) {
      const until = untilMs.get(text);
      if (until === undefined) return false;
      if (now() < until) return true;
      untilMs.delete(text);
      return false;
    },
    add(text) {
      // Moved to the end, where the newest are.
      untilMs.delete(text);
      if (untilMs.size >= maxEntries) untilMs.delete(untilMs.keys().next().value!);
      untilMs.set(text, now() + keepMs);
    },
  };
}
