import { type MetricRetention, metricRetention as schema } from "@devflow/api";
import { AppError } from "@devflow/errors";
import { writeAudit } from "../../platform/audit/index.ts";
import type { Principal } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";
import { mergeSetting } from "../../platform/settings/index.ts";
import type { Sql } from "../../platform/db/index.ts";
import { type Retention, retentionProblems } from "./storage/tiers.ts";

type Asker = Pick<Context, "sql" | "config" | "clock">;

/** A change by another controller counts here after this time. */
const freshMs = 60_000;
const known = new WeakMap<Sql, { readonly untilMs: number; readonly value: Retention }>();

/** For how many days each resolution is kept: setting "retention" of the installation, without it what the controller was started with. */
export async function readMetricRetention({ ctx }: { ctx: Pick<Asker, "sql" | "config"> }): Promise<MetricRetention> {
  const [row] = await ctx.sql<{ metrics: unknown }[]>`select value->'metrics' as metrics from settings where key = 'retention'`;
  const stored = schema.safeParse(row?.metrics);
  return stored.success ? stored.data : ctx.config.retention;
}

/** As readMetricRetention(), remembered for a minute: each chart asks. */
export async function metricRetention(ctx: Asker): Promise<Retention> {
  const found = known.get(ctx.sql);
  const nowMs = ctx.clock.now();
  if (found !== undefined && nowMs < found.untilMs) return found.value;
  const value = await readMetricRetention({ ctx });
  known.set(ctx.sql, { untilMs: nowMs + freshMs, value });
  return value;
}

/**
 * Settles for how long measured values are kept; older ones leave within the hour and do not come back. Throws
 * AppError invalid where a coarser resolution would end before a finer one, or before late rows have come.
 */
export async function putMetricRetention({
  ctx,
  principal,
  input,
}: {
  ctx: Context;
  principal: Principal;
  input: MetricRetention;
}): Promise<MetricRetention> {
  const fields = retentionProblems(input, { tenSecondDays: "tenSecondDays", minuteDays: "minuteDays", hourDays: "hourDays" });
  if (fields.length > 0)
    throw new AppError("invalid", `The body is not as expected: ${fields.map(({ message }) => message).join("; ")}`, {
      details: { fields: fields.map(({ field, message }) => ({ path: field, message })) },
    });
  const before = await readMetricRetention({ ctx });
  await ctx.db.transaction(async (tx) => {
    await mergeSetting(tx, ctx, "retention", { metrics: input });
    await writeAudit(tx, principal, {
      action: "settings.update",
      targetKind: "setting",
      targetId: "metric-retention",
      before,
      after: input,
    });
  });
  known.delete(ctx.sql);
  return input;
}
