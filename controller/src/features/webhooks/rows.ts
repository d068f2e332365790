import type { Webhook, WebhookAttempt, WebhookDelivery } from "@devflow/api";
import { AppError } from "@devflow/errors";
import type { Scope } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";
import type { webhookDeliveries, webhooks } from "./schema.ts";

export type WebhookRow = typeof webhooks.$inferSelect;
export type DeliveryRow = typeof webhookDeliveries.$inferSelect;

/** A previous secret signs for so long after a rotation. */
export const previousSecretMs = 24 * 3_600_000;

/** @param waiting deliveries that are still to come */
export const toWebhook = (row: WebhookRow, waiting: number, nowMs: number): Webhook => ({
  id: row.id,
  name: row.name,
  url: row.url,
  types: row.types,
  createdAt: row.createdAt.toISOString(),
  updatedAt: row.updatedAt.toISOString(),
  disabledAt: row.disabledAt?.toISOString() ?? null,
  disabledReason: row.disabledReason,
  failingSince: row.failingSince?.toISOString() ?? null,
  previousSecretUntil:
    row.previousSecretUntil !== null && row.previousSecretUntil.getTime() > nowMs ? row.previousSecretUntil.toISOString() : null,
  waiting,
});

export const logOf = (row: Pick<DeliveryRow, "log">): WebhookAttempt[] => row.log as WebhookAttempt[];

export function toDelivery(row: DeliveryRow): WebhookDelivery {
  const [newest] = logOf(row);
  return {
    id: row.id,
    webhookId: row.webhookId,
    eventId: row.eventId,
    type: row.type,
    state: row.state as WebhookDelivery["state"],
    attempts: row.attempts,
    nextAttemptAt: row.nextAttemptAt?.toISOString() ?? null,
    createdAt: row.createdAt.toISOString(),
    finishedAt: row.finishedAt?.toISOString() ?? null,
    replays: row.replays,
    lastStatus: newest?.status ?? null,
    lastError: newest?.error ?? null,
    lastDurationMs: newest?.durationMs ?? null,
  };
}

export const noWebhook = () => new AppError("not_found", "There is no such webhook");

export async function webhookScope({ sql }: Context, webhookId: string): Promise<Scope | null> {
  const [row] = await sql<{ organizationId: string }[]>`select organization_id as "organizationId" from webhooks where id = ${webhookId}`;
  return row ?? null;
}

export async function deliveryScope({ sql }: Context, deliveryId: string): Promise<Scope | null> {
  const [row] = await sql<
    { organizationId: string }[]
  >`select organization_id as "organizationId" from webhook_deliveries where id = ${deliveryId}`;
  return row ?? null;
}
