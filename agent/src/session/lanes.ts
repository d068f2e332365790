/** Which batches go next: fresh ones first, the backlog oldest first behind them, at the pace that the gateway asks. */

/** The newest so many batches, a minute of them, are fresh. */
export const FRESH_BATCHES = 6;
/** At most so many backlog batches in one message. */
export const BACKFILL_BATCHES = 16;
/** Places that the backlog leaves free, so that it never holds a fresh batch up. */
const KEPT_FOR_FRESH = 2;

export interface Lanes {
  readonly maxInFlight: number;
  readonly inFlight: number;
  readonly freshWaiting: number;
  /** Whether something older waits. */
  readonly backlogWaiting: boolean;
  /** Milliseconds until the gateway takes another backfill batch; 0 or less for now. */
  readonly backfillWaitMs: number;
  /** The gateway asked for pauses between backfill batches. */
  readonly paced: boolean;
  readonly backfillInFlight: number;
  /** Batches that were in flight when a bound broke are sent alone. */
  readonly suspects: boolean;
}

export type NextSend = { readonly lane: "fresh" | "backfill"; readonly count: number } | null;

export function nextSend(lanes: Lanes): NextSend {
  if (lanes.suspects) {
    if (lanes.inFlight > 0) return null;
    return lanes.freshWaiting > 0 ? { lane: "fresh", count: 1 } : lanes.backlogWaiting ? { lane: "backfill", count: 1 } : null;
  }
  const free = lanes.maxInFlight - lanes.inFlight;
  if (free <= 0) return null;
  if (lanes.freshWaiting > 0) return { lane: "fresh", count: Math.min(free, lanes.freshWaiting) };
  if (!lanes.backlogWaiting || lanes.backfillWaitMs > 0) return null;
  if (lanes.paced) return lanes.backfillInFlight > 0 ? null : { lane: "backfill", count: 1 };
  const room = Math.max(lanes.maxInFlight - KEPT_FOR_FRESH, 1) - lanes.inFlight;
  return room > 0 ? { lane: "backfill", count: Math.min(room, BACKFILL_BATCHES) } : null;
}
