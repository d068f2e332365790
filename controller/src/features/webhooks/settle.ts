import type { WebhookAttempt } from "@devflow/api";
import { eq } from "drizzle-orm";
import { writeAudit } from "../../platform/audit/index.ts";
import { systemPrincipal } from "../../platform/auth/system-principal.ts";
import type { Context } from "../../platform/context.ts";
import { writeEvent } from "../../platform/events/index.ts";
import { disableAfterMs, giveUpAfterMs, restMs, retryDelayMs } from "./back-off.ts";
import { skipWaiting } from "./manage.ts";
import { type Due, storeDelivered } from "./due.ts";
import { logOf } from "./rows.ts";
import { webhookDeliveries, webhooks } from "./schema.ts";

const maxLogged = 20;

/**
 * Writes down what came of an attempt: done, tried again later, or given up; and whether the webhook rests, or is
 * disabled because it is gone (410) or failed for five days.
 * @param claimedUntil how long the worker keeps the webhook from here on
 * @returns whether it was delivered, and what is due next then
 */
export async function settle(
  ctx: Context,
  delivery: Due["delivery"],
  made: WebhookAttempt,
  claimedUntil: Date,
): Promise<{ delivered: boolean; next: Due | null }> {
  const nowMs = ctx.clock.now();
  const now = new Date(nowMs);
  const attempts = delivery.attempts + 1;
  const log = [made, ...logOf(delivery)].slice(0, maxLogged);
  if (made.error === null) return { delivered: true, next: await storeDelivered(ctx, delivery, { log, claimedUntil }) };
  const nextMs = nowMs + retryDelayMs(attempts, Math.random());
  const again = made.status !== 410 && nextMs <= delivery.createdAt.getTime() + giveUpAfterMs;
  let disabled = false;
  await ctx.db.transaction(async (tx) => {
    // The webhook first, as everybody who changes one does.
    const [webhook] = await tx.select().from(webhooks).where(eq(webhooks.id, delivery.webhookId)).for("update");
    if (webhook === undefined) return;
    await tx
      .update(webhookDeliveries)
      .set({
        attempts,
        log,
        ...(again ? { nextAttemptAt: new Date(nextMs) } : { state: "failed", nextAttemptAt: null, finishedAt: now }),
      })
      .where(eq(webhookDeliveries.id, delivery.id));
    const failingSince = webhook.failingSince ?? now;
    const failingForMs = nowMs - failingSince.getTime();
    const restsUntil = new Date(nowMs + restMs(failingForMs));
    await tx.update(webhooks).set({ failingSince, restsUntil, claimedUntil }).where(eq(webhooks.id, webhook.id));
    if (webhook.disabledAt !== null) return;
    const reason =
      made.status === 410
        ? "The endpoint answered 410 Gone"
        : failingForMs >= disableAfterMs
          ? `Nothing could be delivered for five days. The newest failure: ${made.error}`
          : null;
    if (reason === null) return;
    disabled = true;
    await tx.update(webhooks).set({ disabledAt: now, disabledReason: reason, updatedAt: now }).where(eq(webhooks.id, webhook.id));
    await skipWaiting(tx, webhook.id, now);
    const by = systemPrincipal(webhook.organizationId);
    await writeAudit(tx, by, { action: "webhooks.disable", targetKind: "webhook", targetId: webhook.id, after: { reason } });
    await writeEvent(tx, by, {
      type: "webhook.disabled",
      subject: { kind: "webhook", id: webhook.id, name: webhook.name },
      data: { reason },
    });
  });
  if (disabled) ctx.bus.emit("events.written", {});
  return { delivered: false, next: null };
}
