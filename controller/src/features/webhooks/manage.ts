import { randomUUID } from "node:crypto";
import type { CreatedWebhook, CreateWebhook, UpdateWebhook, Webhook } from "@devflow/api";
import { AppError } from "@devflow/errors";
import { and, count, eq } from "drizzle-orm";
import { writeAudit } from "../../platform/audit/index.ts";
import type { Principal } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";
import { writeEvent } from "../../platform/events/index.ts";
import type { Outgoing } from "../../platform/outgoing/index.ts";
import { checkUrl } from "./check-url.ts";
import { getWebhook } from "./list-webhooks.ts";
import { noWebhook, previousSecretMs, toWebhook } from "./rows.ts";
import { webhookDeliveries, webhooks } from "./schema.ts";
import { newSecret, sealSecret } from "./secret.ts";

const maxWebhooks = 100;
const target = (webhookId: string) => ({ targetKind: "webhook", targetId: webhookId });
const about = (id: string, name: string) => ({ subject: { kind: "webhook", id, name } });

interface Request<T> {
  readonly ctx: Context;
  readonly principal: Principal;
  readonly input: T;
}

/** Makes a webhook; the answer is the only one that holds its secret. Throws AppError invalid for an address that is refused. */
export async function createWebhook({
  ctx,
  outgoing,
  principal,
  input,
}: Request<CreateWebhook> & { outgoing: Outgoing }): Promise<CreatedWebhook> {
  await checkUrl(outgoing, input.url);
  const { organizationId } = principal;
  const secret = newSecret();
  const id = randomUUID();
  const sealedSecret = await sealSecret(ctx, { organizationId, webhookId: id }, secret);
  const now = new Date(ctx.clock.now());
  const row = await ctx.db.transaction(async (tx) => {
    const [existing] = await tx.select({ count: count() }).from(webhooks).where(eq(webhooks.organizationId, organizationId));
    if ((existing?.count ?? 0) >= maxWebhooks)
      throw new AppError("conflict", `There are ${maxWebhooks} webhooks already; delete one first`);
    const [made] = await tx
      .insert(webhooks)
      .values({
        id,
        organizationId,
        name: input.name,
        url: input.url,
        types: [...input.types],
        sealedSecret,
        createdAt: now,
        updatedAt: now,
      })
      .returning();
    await writeAudit(tx, principal, { action: "webhooks.create", ...target(id), after: input });
    await writeEvent(tx, principal, { type: "webhook.created", ...about(id, input.name), data: {} });
    return made!;
  });
  return { webhook: toWebhook(row, 0, ctx.clock.now()), secret };
}

/**
 * Changes a webhook, pauses it or lets it go on. What waits for a webhook that is paused is skipped. Throws AppError
 * not_found, and invalid for an address that is refused.
 */
export async function updateWebhook({
  ctx,
  outgoing,
  principal,
  input: { webhookId, enabled, ...change },
}: Request<UpdateWebhook & { webhookId: string }> & { outgoing: Outgoing }): Promise<Webhook> {
  if (change.url !== undefined) await checkUrl(outgoing, change.url);
  const mine = and(eq(webhooks.id, webhookId), eq(webhooks.organizationId, principal.organizationId));
  await ctx.db.transaction(async (tx) => {
    const [before] = await tx.select().from(webhooks).where(mine).for("update");
    if (before === undefined) throw noWebhook();
    const now = new Date(ctx.clock.now());
    const pausing = enabled === false && before.disabledAt === null;
    const resuming = enabled === true && before.disabledAt !== null;
    await tx
      .update(webhooks)
      .set({
        ...(change.name !== undefined && { name: change.name }),
        ...(change.url !== undefined && { url: change.url }),
        ...(change.types !== undefined && { types: [...change.types] }),
        ...(pausing && { disabledAt: now, disabledReason: null }),
        ...(resuming && { disabledAt: null, disabledReason: null }),
        // A new chance for a new address, and for one that a person says works again.
        ...((resuming || change.url !== undefined) && { failingSince: null, restsUntil: null }),
        updatedAt: now,
      })
      .where(mine);
    if (pausing) await skipWaiting(tx, webhookId, now);
    const said = (row: { name: string; url: string; types: readonly string[] }, on: boolean) => ({
      name: row.name,
      url: row.url,
      types: row.types,
      enabled: on,
    });
    const was = said(before, before.disabledAt === null);
    const is = said(
      { name: change.name ?? before.name, url: change.url ?? before.url, types: change.types ?? before.types },
      enabled ?? before.disabledAt === null,
    );
    await writeAudit(tx, principal, { action: "webhooks.update", ...target(webhookId), before: was, after: is });
    await writeEvent(tx, principal, { type: "webhook.updated", ...about(webhookId, is.name), data: { before: was, after: is } });
  });
  return getWebhook({ ctx, principal, input: { webhookId } });
}

/** Takes a webhook away with all that was delivered and waits. Throws AppError not_found. */
export async function deleteWebhook({ ctx, principal, input: { webhookId } }: Request<{ webhookId: string }>): Promise<void> {
  await ctx.db.transaction(async (tx) => {
    const [gone] = await tx
      .delete(webhooks)
      .where(and(eq(webhooks.id, webhookId), eq(webhooks.organizationId, principal.organizationId)))
      .returning({ name: webhooks.name, url: webhooks.url, types: webhooks.types });
    if (gone === undefined) throw noWebhook();
    await writeAudit(tx, principal, { action: "webhooks.delete", ...target(webhookId), before: gone });
    await writeEvent(tx, principal, { type: "webhook.deleted", ...about(webhookId, gone.name), data: {} });
  });
}

/** Gives a webhook a new secret; the one before signs beside it for 24 h. Throws AppError not_found. */
export async function rotateSecret({ ctx, principal, input: { webhookId } }: Request<{ webhookId: string }>): Promise<CreatedWebhook> {
  const { organizationId } = principal;
  const mine = and(eq(webhooks.id, webhookId), eq(webhooks.organizationId, organizationId));
  const secret = newSecret();
  const sealedSecret = await sealSecret(ctx, { organizationId, webhookId }, secret);
  const now = ctx.clock.now();
  await ctx.db.transaction(async (tx) => {
    const [before] = await tx.select().from(webhooks).where(mine).for("update");
    if (before === undefined) throw noWebhook();
    await tx
      .update(webhooks)
      .set({
        sealedSecret,
        sealedPreviousSecret: before.sealedSecret,
        previousSecretUntil: new Date(now + previousSecretMs),
        updatedAt: new Date(now),
      })
      .where(mine);
    await writeAudit(tx, principal, { action: "webhooks.rotate-secret", ...target(webhookId) });
    await writeEvent(tx, principal, { type: "webhook.updated", ...about(webhookId, before.name), data: { after: { secret: "rotated" } } });
  });
  return { webhook: await getWebhook({ ctx, principal, input: { webhookId } }), secret };
}

/** Ends what waits for a webhook that is disabled, in the caller's transaction. */
export async function skipWaiting(tx: Pick<Context["db"], "update">, webhookId: string, now: Date): Promise<void> {
  await tx
    .update(webhookDeliveries)
    .set({ state: "skipped", nextAttemptAt: null, finishedAt: now })
    .where(and(eq(webhookDeliveries.webhookId, webhookId), eq(webhookDeliveries.state, "waiting")));
}
