/** A place in the order of commits: the transaction that wrote an event, then the event within it. */
export interface Position {
  /** xid8 as text. */
  readonly transaction: string;
  readonly sequence: number;
}

/** Before every event. */
export const beginning: Position = { transaction: "0", sequence: 0 };

/** Below 0 when `a` comes before `b`. */
export function comparePositions(a: Position, b: Position): number {
  if (a.transaction === b.transaction) return a.sequence - b.sequence;
  return BigInt(a.transaction) < BigInt(b.transaction) ? -1 : 1;
}
