import type { Family, Measure } from "@devflow/catalogue";
import { tableOf } from "./storage/tables.ts";
import type { Tier } from "./storage/tiers.ts";
import { until } from "./storage/views.ts";

/** One step of one instance; m<i> is the mean and x<i> the maximum of the i-th measure, in stored units. */
export type ChartRow = { readonly instanceNo: number; readonly t: number } & Record<string, number | null>;

/**
 * SQL of a chart of one family: $1 server_no, $2 start, $3 end (timestamptz), $4 step in seconds. Steps stand on $2.
 * What is not rolled up yet comes from the tier below, so a chart never lags behind.
 */
export function chartSql(family: Family, measures: readonly Measure[], tier: Tier): string {
  const parts = measures.map((m, i) => ({ m, i }));
  const pick = (sum: (m: Measure) => string, count: (m: Measure) => string): string =>
    parts.map(({ m, i }) => `${sum(m)} as s${i}, ${count(m)} as c${i}${m.max ? `, "${m.name}_max" as x${i}` : ""}`).join(", ");
  const select = (source: Tier, from: string, to: string): string =>
    `select instance_no, time, ${
      source === "10s"
        ? pick(
            (m) => `"${m.name}"::float8`,
            (m) => `("${m.name}" is not null)::int`,
          )
        : pick(
            (m) => `"${m.name}_sum"::float8`,
            (m) => `"${m.name}_count"::int`,
          )
    } from ${tableOf(family, source)} where server_no = $1::int and time >= ${from} and time < ${to}`;
  const sources = {
    "10s": [select("10s", "$2", "$3")],
    "1m": [`${select("1m", "$2", "$3")} and time < ${until("1m")}`, `${select("10s", "$2", "$3")} and time >= ${until("1m")}`],
    "1h": [
      `${select("1h", "$2", "$3")} and time < ${until("1h")}`,
      `${select("1m", "$2", "$3")} and time >= ${until("1h")} and time < ${until("1m")}`,
      `${select("10s", "$2", "$3")} and time >= ${until("1m")}`,
    ],
  }[tier];
  return `select instance_no as "instanceNo", extract(epoch from date_bin(make_interval(secs => $4), time, $2))::float8 as t, ${parts
    .map(({ m, i }) => `sum(s${i}) / nullif(sum(c${i}), 0) as m${i}${m.max ? `, max(x${i}) as x${i}` : ""}`)
    .join(", ")}
from (${sources.join(" union all ")}) as source group by 1, 2`
    .replaceAll("$2", "$2::timestamptz")
    .replaceAll("$3", "$3::timestamptz")
    .replaceAll("$4", "$4::float8");
}
