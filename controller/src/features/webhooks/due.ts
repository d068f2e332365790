import type { Context } from "../../platform/context.ts";
import type { DeliveryRow, WebhookRow } from "./rows.ts";

/** What is to be sent next, with what of the webhook matters to that. */
export interface Due {
  readonly webhook: Pick<WebhookRow, "id" | "organizationId" | "url" | "sealedSecret" | "sealedPreviousSecret" | "previousSecretUntil">;
  readonly delivery: Pick<DeliveryRow, "id" | "webhookId" | "eventId" | "body" | "attempts" | "log" | "createdAt">;
}

type Row = Omit<Due["webhook"] & Due["delivery"], "id"> & { deliveryId: string };

/** SQL of a Due's columns, over webhooks w and webhook_deliveries d. */
export const dueColumns = ({ sql }: Pick<Context, "sql">) => sql`
  w.organization_id as "organizationId", w.url, w.sealed_secret as "sealedSecret", w.sealed_previous_secret as "sealedPreviousSecret",
  w.previous_secret_until as "previousSecretUntil", d.id as "deliveryId", d.webhook_id as "webhookId", d.event_id as "eventId", d.body, d.attempts,
  d.log, d.created_at as "createdAt"`;

export const toDue = (row: Row): Due => ({ webhook: { ...row, id: row.webhookId }, delivery: { ...row, id: row.deliveryId } });

/** Null when nothing is due or it may not be sent. */
export async function nextDue(ctx: Context, webhookId: string): Promise<Due | null> {
  const { sql } = ctx;
  const [row] = await sql<Row[]>`
    select ${dueColumns(ctx)} from webhooks w join webhook_deliveries d on d.webhook_id = w.id
    where w.id = ${webhookId} and w.disabled_at is null and d.next_attempt_at <= ${new Date(ctx.clock.now())}
    order by d.next_attempt_at, d.id limit 1`;
  return row === undefined ? null : toDue(row);
}

/**
 * Writes down that a delivery was made, and looks for the next one, both in one statement, since that is what nearly
 * every attempt ends with. The webhook is as it is now: one that was disabled meanwhile has nothing due.
 */
export async function storeDelivered(
  ctx: Context,
  delivery: Due["delivery"],
  { log, claimedUntil }: { log: readonly unknown[]; claimedUntil: Date },
): Promise<Due | null> {
  const { sql } = ctx;
  const now = new Date(ctx.clock.now());
  // The webhook first, as everybody who changes one does: the delivery is looked at once its row is locked.
  const [row] = await sql<Row[]>`
    with w as (
      update webhooks set failing_since = null, rests_until = null, claimed_until = ${claimedUntil} where id = ${delivery.webhookId} returning *),
    stored as (
      update webhook_deliveries set attempts = ${delivery.attempts + 1}, log = ${JSON.stringify(log)}::text::jsonb, state = 'delivered',
        next_attempt_at = null, finished_at = ${now}
      where id = ${delivery.id} and webhook_id = (select id from w))
    select ${dueColumns(ctx)} from w join webhook_deliveries d on d.webhook_id = w.id
    where w.disabled_at is null and d.id <> ${delivery.id} and d.next_attempt_at <= ${now}
    order by d.next_attempt_at, d.id limit 1`;
  return row === undefined ? null : toDue(row);
}
