import type { MetricsResult } from "@devflow/api";
import type { Measure } from "@devflow/catalogue";
import { AppError } from "@devflow/errors";
import type { Context } from "../../platform/context.ts";
import { planChart } from "./chart-plan.ts";
import { type ChartRow, chartSql, stretchesOf } from "./chart-sql.ts";
import { metricRetention } from "./metric-retention.ts";
import { rolledUntil } from "./storage/roll-up-state.ts";
import { type Selection, selectMetrics } from "./select-metrics.ts";

export interface QueryMetrics {
  readonly serverId: string;
  /** servers.server_no of the same server; the caller has checked that the asker may see it. */
  readonly serverNo: number;
  /** RFC 3339. */
  readonly from: string;
  readonly to: string;
  /** "host.cpu_busy,disk.*" */
  readonly metrics: string;
  /** 1 to 2000; default 300. */
  readonly maxPoints?: number | undefined;
}

const defaultPoints = 300;
/** Points × series an answer may hold: 2000 points of 200 series. */
const mostValues = 400_000;

/**
 * Series of one server in natural units, at most maxPoints each; steps without values are null.
 * Throws AppError invalid for unknown metrics, times that are none, and a start that is not before the end.
 */
export async function queryMetrics({
  ctx,
  input,
}: {
  ctx: Pick<Context, "sql" | "config" | "clock">;
  input: QueryMetrics;
}): Promise<MetricsResult> {
  const selections = selectMetrics(input.metrics);
  const [fromS, toS] = [seconds("from", input.from), seconds("to", input.to)];
  if (fromS >= toS) throw new AppError("invalid", `from (${input.from}) must be before to (${input.to}).`);
  const plan = planChart({
    fromS,
    toS,
    maxPoints: input.maxPoints ?? defaultPoints,
    retention: await metricRetention(ctx),
    nowS: ctx.clock.now() / 1000,
  });
  const stretches = stretchesOf(
    plan.tier,
    plan.originS * 1000,
    (plan.originS + plan.points * plan.stepSeconds) * 1000,
    await rolledUntil(ctx.sql),
  );
  const bounds = stretches.flatMap((stretch) => [new Date(stretch.fromMs), new Date(stretch.toMs)]);

  const series = (
    await Promise.all(
      selections.map(async ({ family, measures }) => {
        const [rows, names] = await Promise.all([
          ctx.sql.unsafe<ChartRow[]>(
            chartSql(
              family,
              measures,
              stretches.map((stretch) => stretch.tier),
            ),
            [input.serverNo, new Date(plan.originS * 1000), plan.stepSeconds, ...bounds] as never,
            { prepare: true },
          ),
          family.instance === "host" ? new Map([[0, ""]]) : instanceNames(ctx, input.serverNo, family.id),
        ]);
        return toSeries({ family, measures }, rows, names, plan);
      }),
    )
  ).flat();
  if (series.length * plan.points > mostValues) {
    throw new AppError(
      "invalid",
      `That is ${series.length} series of ${plan.points} points; at most ${mostValues} values are given at once. Ask for fewer metrics or points.`,
    );
  }
  return {
    serverId: input.serverId,
    from: new Date(fromS * 1000).toISOString(),
    to: new Date(toS * 1000).toISOString(),
    stepSeconds: plan.stepSeconds,
    tier: plan.tier,
    times: Array.from({ length: plan.points }, (_, i) => plan.originS + i * plan.stepSeconds),
    series,
  };
}

/** Years that PostgreSQL and Date both know well; whatever lies outside holds no values anyway. */
const [earliest, latest] = [Date.UTC(1970, 0, 1), Date.UTC(2200, 0, 1)];

function seconds(name: string, text: string): number {
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw new AppError("invalid", `${name} must be a time as in 2026-01-31T12:00:00Z; got "${text}".`);
  return Math.min(Math.max(ms, earliest), latest) / 1000;
}

async function instanceNames(ctx: Pick<Context, "sql">, serverNo: number, family: number): Promise<Map<number, string>> {
  const rows = await ctx.sql<{ no: number; name: string }[]>`
    select instance_no as no, name from metric_instances where server_no = ${serverNo} and family = ${family}`;
  return new Map(rows.map(({ no, name }) => [no, name]));
}

function toSeries(
  { family, measures }: Selection,
  rows: readonly ChartRow[],
  names: ReadonlyMap<number, string>,
  plan: { originS: number; stepSeconds: number; points: number },
): MetricsResult["series"] {
  const byInstance = Map.groupBy(rows, (row) => row.instanceNo);
  return [...byInstance]
    .map(([no, own]) => ({ name: names.get(no) ?? `#${no}`, own }))
    .sort((a, b) => compareNames(a.name, b.name))
    .flatMap(({ name, own }) =>
      measures.map((measure, i) => {
        const mean: (number | null)[] = Array.from({ length: plan.points }, () => null);
        const max: (number | null)[] | null = measure.max ? [...mean] : null;
        for (const row of own) {
          const at = Math.round((row.t - plan.originS) / plan.stepSeconds);
          mean[at] = natural(row[`m${i}`] ?? null, measure);
          if (max !== null) max[at] = natural(row[`x${i}`] ?? null, measure);
        }
        return { metric: `${family.name}.${measure.name}`, instance: name, unit: measure.unit, mean, max };
      }),
    );
}

/** cpu2 before cpu10. */
const compareNames = new Intl.Collator("en", { numeric: true }).compare;

/** Stored units to natural ones, rounded to a thousandth of a step, which takes the noise of floating point away. */
function natural(stored: number | null, measure: Measure): number | null {
  if (stored === null) return null;
  return Number(((Math.round(stored * 1000) / 1000) * measure.step).toPrecision(12));
}
