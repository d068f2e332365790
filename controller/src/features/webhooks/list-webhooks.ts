import type { Webhook } from "@devflow/api";
import { and, asc, count, eq, inArray } from "drizzle-orm";
import type { Principal } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";
import { noWebhook, toWebhook, type WebhookRow } from "./rows.ts";
import { webhookDeliveries, webhooks } from "./schema.ts";

/** The organisation's webhooks by name; there are at most 100. */
export async function listWebhooks({ ctx, principal }: { ctx: Context; principal: Principal }): Promise<{ items: Webhook[] }> {
  const rows = await ctx.db
    .select()
    .from(webhooks)
    .where(eq(webhooks.organizationId, principal.organizationId))
    .orderBy(asc(webhooks.name), asc(webhooks.id));
  return { items: await withWaiting(ctx, rows) };
}

/** Throws AppError not_found, also for another organisation's webhook. */
export async function getWebhook({
  ctx,
  principal,
  input: { webhookId },
}: {
  ctx: Context;
  principal: Principal;
  input: { webhookId: string };
}): Promise<Webhook> {
  const rows = await ctx.db
    .select()
    .from(webhooks)
    .where(and(eq(webhooks.id, webhookId), eq(webhooks.organizationId, principal.organizationId)));
  const [webhook] = await withWaiting(ctx, rows);
  if (webhook === undefined) throw noWebhook();
  return webhook;
}

async function withWaiting(ctx: Context, rows: readonly WebhookRow[]): Promise<Webhook[]> {
  if (rows.length === 0) return [];
  const ids = rows.map(({ id }) => id);
  const counts = await ctx.db
    .select({ id: webhookDeliveries.webhookId, count: count() })
    .from(webhookDeliveries)
    .where(and(inArray(webhookDeliveries.webhookId, ids), eq(webhookDeliveries.state, "waiting")))
    .groupBy(webhookDeliveries.webhookId);
  const waiting = new Map(counts.map(({ id, count: n }) => [id, n]));
  return rows.map((row) => toWebhook(row, waiting.get(row.id) ?? 0, ctx.clock.now()));
}
