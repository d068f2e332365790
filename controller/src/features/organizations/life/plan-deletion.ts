import type { PlanDeletion } from "@devflow/api";
import { AppError } from "@devflow/errors";
import { and, eq, isNull } from "drizzle-orm";
import { writeAudit } from "../../../platform/audit/index.ts";
import type { Principal } from "../../../platform/auth/index.ts";
import { memberships, organizations } from "../../../platform/auth/schema.ts";
import type { Context } from "../../../platform/context.ts";
import type { Database } from "../../../platform/db/index.ts";
import { writeEvent } from "../../../platform/events/index.ts";
import { apiTokens } from "../../tokens/schema.ts";
import { lockOrganization } from "../grants/lock-organization.ts";
import { type Revoked, tellRevoked } from "../grants/tell-revoked.ts";
import { organizationSettings } from "./settings.ts";

const dayMs = 86_400_000;

/**
 * Settles when the organisation is deleted with everything in it: after the installation's period of grace, during
 * which owners alone get in and agents go on. Returns that time, in milliseconds; the earlier one when it was settled already.
 * Throws AppError invalid unless the name is typed as it is, conflict for the organisation that the installation began with.
 */
export async function planDeletion({
  ctx,
  principal,
  input,
}: {
  ctx: Context;
  principal: Principal;
  input: PlanDeletion;
}): Promise<number> {
  const { organizationId } = principal;
  const { deletionGraceDays } = await organizationSettings(ctx);
  const { at, revoked } = await ctx.db.transaction(async (tx) => {
    const { organization } = await lockOrganization(tx, principal, "organization.delete");
    if (input.name !== organization.name)
      throw new AppError("invalid", `Type the organisation's name as it is: ${organization.name}`, {
        details: { fields: [{ path: "name", message: "this is not its name" }] },
      });
    if (organizationId === ctx.installation.defaultOrganizationId)
      throw new AppError("conflict", "The organisation that this installation began with stays; rename it, or remove what is in it");
    if (organization.deleteAfter !== null) return { at: organization.deleteAfter, revoked: [] };
    const deleteAfter = new Date(ctx.clock.now() + deletionGraceDays * dayMs);
    await tx.update(organizations).set({ deleteAfter }).where(eq(organizations.id, organizationId));
    const told = deleteAfter.toISOString();
    const subject = { kind: "organization", id: organizationId, name: organization.name };
    await writeEvent(tx, principal, { type: "organization.deletion-planned", subject, data: { at: told } });
    await writeAudit(tx, principal, {
      action: "organizations.plan-deletion",
      targetKind: "organization",
      targetId: organizationId,
      after: { deleteAfter: told },
    });
    return { at: deleteAfter, revoked: await everybody(tx, organizationId) };
  });
  tellRevoked(ctx, revoked);
  return at.getTime();
}

/** Takes a planned deletion back. Harmless when there is none. */
export async function cancelDeletion({ ctx, principal }: { ctx: Context; principal: Principal }): Promise<void> {
  const { organizationId } = principal;
  const revoked = await ctx.db.transaction(async (tx) => {
    const { organization } = await lockOrganization(tx, principal, "organization.delete");
    if (organization.deleteAfter === null) return [];
    await tx.update(organizations).set({ deleteAfter: null }).where(eq(organizations.id, organizationId));
    const subject = { kind: "organization", id: organizationId, name: organization.name };
    await writeEvent(tx, principal, { type: "organization.deletion-cancelled", subject, data: {} });
    await writeAudit(tx, principal, {
      action: "organizations.cancel-deletion",
      targetKind: "organization",
      targetId: organizationId,
      before: { deleteAfter: organization.deleteAfter.toISOString() },
    });
    return everybody(tx, organizationId);
  });
  tellRevoked(ctx, revoked);
}

/** All members and tokens of the organisation: whether they get in is to be asked anew. */
export async function everybody(tx: Pick<Database, "select">, organizationId: string): Promise<Revoked[]> {
  const members = await tx.select({ id: memberships.userId }).from(memberships).where(eq(memberships.organizationId, organizationId));
  const tokens = await tx
    .select({ id: apiTokens.id })
    .from(apiTokens)
    .where(and(eq(apiTokens.organizationId, organizationId), isNull(apiTokens.revokedAt)));
  return [...members.map(({ id }) => ({ kind: "user" as const, id })), ...tokens.map(({ id }) => ({ kind: "token" as const, id }))];
}
