import { randomUUID } from "node:crypto";
import type { deliveryListQuery, WebhookDelivery, WebhookDeliveryDetail } from "@devflow/api";
import { AppError } from "@devflow/errors";
import { and, desc, eq, sql } from "drizzle-orm";
import type { z } from "zod";
import { writeAudit } from "../../platform/audit/index.ts";
import type { Principal } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";
import type { Database } from "../../platform/db/index.ts";
import { type Page, readCursor, writeCursor } from "../../platform/http/cursor.ts";
import { bodyOf } from "./fan-out.ts";
import { logOf, noWebhook, toDelivery } from "./rows.ts";
import { webhookDeliveries, webhooks } from "./schema.ts";

interface Request<T> {
  readonly ctx: Context;
  readonly principal: Principal;
  readonly input: T;
}

/** Deliveries of a webhook, newest first, 50 a page by default. */
export async function listDeliveries({
  ctx,
  principal,
  input,
}: Request<z.output<typeof deliveryListQuery> & { webhookId: string }>): Promise<Page<WebhookDelivery>> {
  const limit = input.limit ?? 50;
  const after = readCursor(input.cursor, ["string", "string"]);
  if (after !== null && !(/^[\d .:+-]{10,40}$/.test(after[0]) && !Number.isNaN(Date.parse(after[0])) && /^[0-9a-f-]{36}$/.test(after[1])))
    throw new AppError("invalid", "cursor: expected the nextCursor of an earlier answer to the same list");
  const { createdAt, id, organizationId, webhookId, state } = webhookDeliveries;
  const rows = await ctx.db
    .select({ row: webhookDeliveries, place: sql<string>`${createdAt}::text` })
    .from(webhookDeliveries)
    .where(
      and(
        eq(organizationId, principal.organizationId),
        eq(webhookId, input.webhookId),
        ...(input.state === undefined ? [] : [eq(state, input.state)]),
        ...(after === null ? [] : [sql`(${createdAt}, ${id}) < (${after[0]}::text::timestamptz, ${after[1]}::uuid)`]),
      ),
    )
    .orderBy(desc(createdAt), desc(id))
    .limit(limit + 1);
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    items: page.map(({ row }) => toDelivery(row)),
    nextCursor: rows.length > limit && last !== undefined ? writeCursor([last.place, last.row.id]) : null,
  };
}

/** One delivery with what was sent and answered. Throws AppError not_found. */
export async function getDelivery({
  ctx,
  principal,
  input: { deliveryId },
}: Request<{ deliveryId: string }>): Promise<WebhookDeliveryDetail> {
  const [row] = await ctx.db
    .select()
    .from(webhookDeliveries)
    .where(and(eq(webhookDeliveries.id, deliveryId), eq(webhookDeliveries.organizationId, principal.organizationId)));
  if (row === undefined) throw new AppError("not_found", "There is no such delivery");
  return { delivery: toDelivery(row), body: row.body, log: logOf(row) };
}

/**
 * Sends what was delivered once more, as a delivery of its own with the same webhook-id. One that still waits is sent
 * now. Throws AppError not_found, and conflict while the webhook is disabled.
 */
export async function replayDelivery({ ctx, principal, input: { deliveryId } }: Request<{ deliveryId: string }>): Promise<WebhookDelivery> {
  const { delivery, body } = await getDelivery({ ctx, principal, input: { deliveryId } });
  await demandEnabled(ctx, principal, delivery.webhookId);
  const now = new Date(ctx.clock.now());
  return ctx.db.transaction(async (tx) => {
    await writeAudit(tx, principal, { action: "webhooks.replay", targetKind: "webhook-delivery", targetId: deliveryId });
    await endRest(tx, delivery.webhookId);
    const [hurried] = await tx
      .update(webhookDeliveries)
      .set({ nextAttemptAt: now })
      .where(and(eq(webhookDeliveries.id, deliveryId), eq(webhookDeliveries.state, "waiting")))
      .returning();
    if (hurried !== undefined) return toDelivery(hurried);
    const { webhookId, eventId, type } = delivery;
    // Replays of one delivery are told apart by what they replay: each replays the newest one.
    const [newest] = await tx
      .select({ id: webhookDeliveries.id, state: webhookDeliveries.state })
      .from(webhookDeliveries)
      .where(and(eq(webhookDeliveries.webhookId, webhookId), eq(webhookDeliveries.eventId, eventId)))
      .orderBy(desc(webhookDeliveries.createdAt))
      .limit(1);
    return queueNow(tx, principal, now, { webhookId, eventId, type, body, replays: newest?.id ?? deliveryId });
  });
}

/** Sends an event of its own to one webhook. Throws AppError not_found, and conflict while it is disabled. */
export async function testWebhook({ ctx, principal, input: { webhookId } }: Request<{ webhookId: string }>): Promise<WebhookDelivery> {
  const name = await demandEnabled(ctx, principal, webhookId);
  const now = new Date(ctx.clock.now());
  const eventId = randomUUID();
  const body = bodyOf({
    id: eventId,
    type: "webhook.test",
    at: now.toISOString(),
    actor: { kind: principal.kind, id: principal.id, name: principal.name },
    subject: { kind: "webhook", id: webhookId, name },
    data: {},
  });
  return ctx.db.transaction(async (tx) => {
    await writeAudit(tx, principal, { action: "webhooks.test", targetKind: "webhook", targetId: webhookId });
    await endRest(tx, webhookId);
    return queueNow(tx, principal, now, { webhookId, eventId, type: "webhook.test", body });
  });
}

/** Nothing waits for its webhook's rest when a person asks. */
async function endRest(tx: Pick<Database, "update">, webhookId: string): Promise<void> {
  await tx.update(webhooks).set({ restsUntil: null }).where(eq(webhooks.id, webhookId));
}

/** Throws AppError conflict when the same one waits already. */
async function queueNow(
  tx: Pick<Database, "insert">,
  { organizationId }: Principal,
  now: Date,
  delivery: Pick<typeof webhookDeliveries.$inferInsert, "webhookId" | "eventId" | "type" | "body" | "replays">,
): Promise<WebhookDelivery> {
  const [made] = await tx
    .insert(webhookDeliveries)
    .values({ ...delivery, organizationId, state: "waiting", nextAttemptAt: now, createdAt: now })
    .onConflictDoNothing()
    .returning();
  if (made === undefined) throw new AppError("conflict", "This delivery is being sent again already");
  return toDelivery(made);
}

async function demandEnabled(ctx: Context, principal: Principal, webhookId: string): Promise<string> {
  const [row] = await ctx.db
    .select({ name: webhooks.name, disabledAt: webhooks.disabledAt })
    .from(webhooks)
    .where(and(eq(webhooks.id, webhookId), eq(webhooks.organizationId, principal.organizationId)));
  if (row === undefined) throw noWebhook();
  if (row.disabledAt !== null) throw new AppError("conflict", `The webhook "${row.name}" is disabled; enable it first`);
  return row.name;
}
