import type { TimeCounts } from "@devflow/api";
import { AppError } from "@devflow/errors";
import type { Context } from "../context.ts";

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

/** The columns of a CountRow, to be grouped by 1 and 2. @param at column of the time @param kind column that is told apart */
export const countColumns = ({ sql }: Pick<Context, "sql">, { stepSeconds }: CountWindow, at: string, kind: string) =>
  sql`(floor(extract(epoch from ${sql(at)}) / ${stepSeconds}::int) * ${stepSeconds}::int)::float8 as second, ${sql(kind)} as kind, count(*)::int as count`;

/** That a time lies in the window. @param at column of the time */
export const inWindow = ({ sql }: Pick<Context, "sql">, { from, to }: CountWindow, at: string) =>
  sql`${sql(at)} >= ${from}::text::timestamptz and ${sql(at)} < ${to}::text::timestamptz`;

/** A group of what was counted; `second` of Unix time at its begin. */
export interface CountRow {
  readonly second: number;
  readonly kind: string;
  readonly count: number;
}

export const toTimeCounts = (window: CountWindow, rows: readonly CountRow[]): TimeCounts => ({
  ...window,
  items: rows.map(({ second, kind, count }) => ({ at: new Date(second * 1000).toISOString(), kind, count })),
});
