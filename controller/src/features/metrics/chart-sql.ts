import type { Family, Measure } from "@devflow/catalogue";
import { tableOf } from "./storage/tables.ts";
import type { Tier } from "./storage/tiers.ts";

/** One step of one instance; m<i> is the mean and x<i> the maximum of the i-th measure, in stored units. */
export type ChartRow = { readonly instanceNo: number; readonly t: number } & Record<string, number | null>;

/** A stretch [from, to) of time, read from one tier; milliseconds since 1970-01-01 UTC. */
export interface Stretch {
  readonly tier: Tier;
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * Which tiers a chart reads: what is not rolled up yet comes from the tier below, so a chart never lags behind.
 * Bounds that are a little old are right too, since what was rolled up stays so and the tier below is kept longer.
 */
export function stretchesOf(
  tier: Tier,
  fromMs: number,
  toMs: number,
  until: { readonly minuteMs: number; readonly hourMs: number },
): Stretch[] {
  const hourEnd = tier === "1h" ? Math.min(toMs, until.hourMs) : fromMs;
  const minuteEnd = tier === "10s" ? fromMs : Math.min(toMs, until.minuteMs);
  const all: Stretch[] = [
    { tier: "1h", fromMs, toMs: hourEnd },
    { tier: "1m", fromMs: Math.max(fromMs, hourEnd), toMs: minuteEnd },
    { tier: "10s", fromMs: Math.max(fromMs, hourEnd, minuteEnd), toMs },
  ];
  return all.filter((stretch) => stretch.fromMs < stretch.toMs);
}

/**
 * SQL of a chart of one family: $1 server_no, $2 start of the first step, $3 step in seconds, then start and end of
 * each stretch. Times as timestamptz.
 */
export function chartSql(family: Family, measures: readonly Measure[], tiers: readonly Tier[]): string {
  const parts = measures.map((m, i) => ({ m, i }));
  const select = (tier: Tier, n: number): string => {
    const values = parts.map(({ m, i }) => {
      const mean =
        tier === "10s"
          ? `"${m.name}"::float8 as s${i}, ("${m.name}" is not null)::int as c${i}`
          : `"${m.name}_sum"::float8 as s${i}, "${m.name}_count"::int as c${i}`;
      return m.max ? `${mean}, "${m.name}_max" as x${i}` : mean;
    });
    return `select instance_no, time, ${values.join(", ")} from ${tableOf(family, tier)} where server_no = $1::int and time >= $${4 + 2 * n}::timestamptz and time < $${5 + 2 * n}::timestamptz`;
  };
  // The step's start becomes a number after grouping: extract() counts in numeric, which is slow for every row.
  const bucket = "date_bin(make_interval(secs => $3::float8), time, $2::timestamptz)";
  return `select instance_no as "instanceNo", extract(epoch from ${bucket})::float8 as t, ${parts
    .map(({ m, i }) => `sum(s${i}) / nullif(sum(c${i}), 0) as m${i}${m.max ? `, max(x${i}) as x${i}` : ""}`)
    .join(", ")}
from (${tiers.map(select).join(" union all ")}) as source group by instance_no, ${bucket}`;
}
