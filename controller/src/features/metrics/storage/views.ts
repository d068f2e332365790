import { type Family, type Measure } from "@devflow/catalogue";
import { tableOf } from "./tables.ts";
import { type Tier, tierSeconds } from "./tiers.ts";

/**
 * SQL of views in natural units, one a family and tier, the same on every storage engine: metrics_<family>_<tier> with
 * server_no, instance_no, time, samples and for each measure its mean, `_min` (1m and 1h) and where kept `_max`.
 * The newest minutes and hours, not rolled up yet, are made from the tier below.
 */
export function createView(family: Family, tier: Tier): string {
  const name = `metrics_${family.name}_${tier}`;
  const select = tier === "10s" ? rawSelect(family) : `${rolledSelect(family, tier)}\nunion all\n${tailSelect(family, tier)}`;
  // Dropped first: a view's columns cannot change their place when measures are appended.
  return `drop view if exists ${name};\ncreate view ${name} as\n${select}`;
}

const natural = (expression: string, measure: Measure): string =>
  measure.step === 1 ? `(${expression})::float8` : `(${expression}) * ${measure.step}::float8`;

const columns = (family: Family, mean: (m: Measure) => string, min: ((m: Measure) => string) | null, max: (m: Measure) => string): string =>
  family.measures
    .flatMap((m) => [
      `${natural(mean(m), m)} as "${m.name}"`,
      ...(min === null ? [] : [`${natural(min(m), m)} as "${m.name}_min"`]),
      ...(m.max ? [`${natural(max(m), m)} as "${m.name}_max"`] : []),
    ])
    .join(", ");

const rawSelect = (family: Family): string =>
  `select server_no, instance_no, time, samples::int as samples, ${columns(
    family,
    (m) => `"${m.name}"`,
    null,
    (m) => `"${m.name}_max"`,
  )} from ${tableOf(family, "10s")}`;

const rolledSelect = (family: Family, tier: Tier): string =>
  `select server_no, instance_no, time, samples::int as samples, ${columns(
    family,
    (m) => `"${m.name}_sum"::float8 / nullif("${m.name}_count", 0)`,
    (m) => `"${m.name}_min"`,
    (m) => `"${m.name}_max"`,
  )}
from ${tableOf(family, tier)} where time < ${until(tier)}`;

const tailSelect = (family: Family, tier: Tier): string =>
  `select server_no, instance_no, date_bin('${tierSeconds[tier]} seconds', time, 'epoch'), sum(samples)::int, ${columns(
    family,
    (m) => `avg("${m.name}"::float8)`,
    (m) => `min("${m.name}")`,
    (m) => `max("${m.name}_max")`,
  )}
from ${tableOf(family, "10s")} where time >= ${until(tier)} group by 1, 2, 3`;

/** Up to when a tier is rolled up; read once a query. */
export const until = (tier: Tier): string => `(select ${tier === "1m" ? "minute_until" : "hour_until"} from metric_rollup_state)`;
