/**
 * Which second values make which row. An interval is ten seconds on the grid of settled time; the grid moves when the
 * clock settles. Rules: times handed out strictly increase, no interval is left out while the agent runs, no row is
 * made from more than ten seconds. All instants are steady milliseconds unless named otherwise.
 */

export const INTERVAL_MS = 10_000;

const floorTo = (ms: number): number => Math.floor(ms / INTERVAL_MS) * INTERVAL_MS;

/** Start of the interval that ends at a steady time, in seconds since 1970-01-01 UTC, by an offset. Also re-times batches that were recorded before the clock settled. */
export const timeOf = (endMs: number, offsetMs: number): number => floorTo(endMs - INTERVAL_MS + offsetMs) / 1000;

/** A settled time this far ahead was given under a clock that the controller has since called wrong; it binds no more. */
const FUTURE_MS = 60_000;

export interface Cut {
  /** Nominal end of the interval, steady; the start is ten seconds before. */
  readonly endMs: number;
  readonly timeS: number;
}

export class Intervals {
  #startMs: number;
  #offsetMs: number;
  #lastTimeS: number;

  /**
   * @param lastTimeS newest time handed out under the same clock before, for example by the process before this one; 0 for none
   */
  constructor(nowMs: number, offsetMs: number, lastTimeS = 0) {
    this.#offsetMs = offsetMs;
    this.#startMs = floorTo(nowMs + offsetMs) - offsetMs;
    this.#lastTimeS = lastTimeS;
  }

  /** Steady time at which the running interval ends. */
  get endMs(): number {
    return this.#startMs + INTERVAL_MS;
  }

  /**
   * To be called about each second before the sample is taken. Returns the interval that is over, "discard" when what
   * was gathered has no interval of its own (a second process in the same interval), or null while it runs.
   */
  tick(nowMs: number): Cut | "discard" | null {
    if (nowMs < this.endMs) return null;
    const cut = this.#cut(nowMs);
    // After a long stall (a stopped process, a machine asleep) the grid goes on from now.
    this.#startMs = floorTo(nowMs + this.#offsetMs) - this.#offsetMs;
    return cut;
  }

  /** The agent stops: what was gathered so far. */
  finish(nowMs: number): Cut | "discard" {
    return this.#cut(nowMs);
  }

  /**
   * The clock settled or moved. The running interval ends now when the new grid has a line between its start and now,
   * so that both sides of that line get a row; otherwise it goes on to the next line.
   */
  moveTo(offsetMs: number, nowMs: number, retimedLastS: number): Cut | "discard" | null {
    this.#offsetMs = offsetMs;
    this.#lastTimeS = retimedLastS;
    const line = floorTo(nowMs + offsetMs) - offsetMs;
    const cut = this.#startMs < line ? this.#cut(nowMs) : null;
    this.#startMs = line;
    return cut;
  }

  #cut(nowMs: number): Cut | "discard" {
    const endMs = this.#startMs + INTERVAL_MS;
    const timeS = timeOf(endMs, this.#offsetMs);
    const binding = this.#lastTimeS * 1000 <= nowMs + this.#offsetMs + FUTURE_MS;
    if (binding && timeS <= this.#lastTimeS) return "discard";
    this.#lastTimeS = timeS;
    return { endMs, timeS };
  }
}
