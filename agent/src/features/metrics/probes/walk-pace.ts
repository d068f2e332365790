/**
 * When to walk over the sockets again. Walking /proc/net/tcp visits every bucket of the kernel's table, which has a size
 * by memory: 2.4 ms a walk on a machine with 24 GB and no connections. Walks are spaced so that they cost no more than
 * BUDGET_MS_PER_SECOND; while nothing shows that a socket came or went, the longest pause is enough.
 */
const BUDGET_MS_PER_SECOND = 0.1;
const LEAST_SECONDS = 10;
const MOST_SECONDS = 60;

export class WalkPace {
  #nextAt = 0;
  /** When the last walk is too old whatever the signs say. */
  #latestAt = 0;
  #signs: string | null = null;

  /**
   * Whether to begin a walk in this second.
   * @param signs changes with most changes of the sockets, null when unknown; asked every 10 s at most
   */
  isDue(second: number, signs: () => string | null): boolean {
    if (second < this.#nextAt) return false;
    const now = signs();
    if (now !== null && now === this.#signs && second < this.#latestAt) {
      this.#nextAt = Math.min(second + LEAST_SECONDS, this.#latestAt);
      return false;
    }
    this.#signs = now;
    return true;
  }

  /** A walk has ended. @param costMs the time that its parts took */
  ended(second: number, costMs: number): void {
    this.#latestAt = second + MOST_SECONDS;
    this.#nextAt = second + Math.min(MOST_SECONDS, Math.max(LEAST_SECONDS, Math.ceil(costMs / BUDGET_MS_PER_SECOND)));
  }
}
