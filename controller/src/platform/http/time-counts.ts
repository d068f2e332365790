import type { TimeCounts } from "@devflow/api";
import { AppError } from "@devflow/errors";

const HOUR_S = 3600;
const DAY_S = 86_400;
/** Up to here counts are by the hour. */
const HOURLY_DAYS = 4;
const MAX_DAYS = 400;

/** What is counted, on whole hours or days of UTC at its begin. */
export interface CountWindow {
  readonly from: string;
  readonly to: string;
  readonly stepSeconds: number;
}

/** The window that a query of counts asks for. Throws AppError invalid for one that is empty or too long. */
export function countWindow({ from, to }: { from?: string | undefined; to?: string | undefined }, nowMs: number): CountWindow {
  const toMs = to === undefined ? nowMs : Date.parse(to);
  const fromMs = from === undefined ? toMs - DAY_S * 1000 : Date.parse(from);
  if (fromMs >= toMs) throw new AppError("invalid", "from: expected a time before to");
  if (toMs - fromMs > MAX_DAYS * DAY_S * 1000)
    throw new AppError("invalid", `from: expected at most ${MAX_DAYS} days before to; ask for a shorter time`);
  const stepSeconds = toMs - fromMs > HOURLY_DAYS * DAY_S * 1000 ? DAY_S : HOUR_S;
  const step = stepSeconds * 1000;
  return { from: new Date(Math.floor(fromMs / step) * step).toISOString(), to: new Date(toMs).toISOString(), stepSeconds };
}

/** A row of `select (floor(extract(epoch from at) / step) * step)::float8 as "second", … as kind, count(*)::int as count`. */
export interface CountRow {
  readonly second: number;
  readonly kind: string;
  readonly count: number;
}

export const toTimeCounts = (window: CountWindow, rows: readonly CountRow[]): TimeCounts => ({
  ...window,
  items: rows.map(({ second, kind, count }) => ({ at: new Date(second * 1000).toISOString(), kind, count })),
});
