import { AppError } from "@devflow/errors";
import { and, eq, isNull } from "drizzle-orm";
import { writeAudit } from "../../../platform/audit/index.ts";
import type { Principal } from "../../../platform/auth/index.ts";
import { grants, memberships, sessions } from "../../../platform/auth/schema.ts";
import type { Context } from "../../../platform/context.ts";
import type { Database } from "../../../platform/db/index.ts";
import { writeEvent } from "../../../platform/events/index.ts";
import { apiTokens } from "../../tokens/schema.ts";
import { keepOwner } from "../grants/keep-owner.ts";
import { lockOrganization, refuseMore, standsAbove } from "../grants/lock-organization.ts";
import { told } from "../grants/resolve.ts";
import { nameOf } from "../grants/set-grants.ts";
import { heldBy, heldByUser, storedGrants } from "../grants/stored.ts";
import { tellRevoked } from "../grants/tell-revoked.ts";
import { invitations } from "../schema.ts";

/**
 * Removes somebody from the organisation: roles, teams, tokens made by them here and open invitations by them end, and
 * so do open connections, at once. Their account and what they have elsewhere stay.
 * Throws AppError not_found, forbidden for who may do more than the caller, conflict for the last owner.
 */
export async function removeMember({
  ctx,
  principal,
  input: { userId },
}: {
  ctx: Context;
  principal: Principal;
  input: { userId: string };
}): Promise<void> {
  const { organizationId } = principal;
  await ctx.db.transaction(async (tx) => {
    const { access } = await lockOrganization(tx, principal, "members.manage");
    await nameOf(tx, organizationId, "user", userId);
    refuseMore(access, await storedGrants(tx, organizationId, heldByUser(organizationId, userId)), standsAbove);
    await endMembership(tx, ctx, principal, userId, true);
  });
  tellRevoked(ctx, [{ kind: "user", id: userId }]);
}

/**
 * Leaves the caller's organisation. Throws AppError forbidden for API tokens, conflict for the last owner.
 */
export async function leaveOrganization({ ctx, principal }: { ctx: Context; principal: Principal }): Promise<void> {
  if (principal.kind !== "user") throw new AppError("forbidden", "A person leaves with a session, not with an API token; sign in");
  await ctx.db.transaction(async (tx) => {
    await lockOrganization(tx, principal, null);
    await endMembership(tx, ctx, principal, principal.id, false);
  });
  tellRevoked(ctx, [{ kind: "user", id: principal.id }]);
}

async function endMembership(tx: Database, ctx: Context, principal: Principal, userId: string, removed: boolean): Promise<void> {
  const { organizationId } = principal;
  const now = new Date(ctx.clock.now());
  const name = await nameOf(tx, organizationId, "user", userId);
  const before = await storedGrants(tx, organizationId, heldBy("user", userId));
  await tx.delete(grants).where(and(eq(grants.organizationId, organizationId), heldBy("user", userId)));
  // Memberships of teams go with it.
  await tx.delete(memberships).where(and(eq(memberships.organizationId, organizationId), eq(memberships.userId, userId)));
  await keepOwner(tx, organizationId);
  const tokens = await tx
    .update(apiTokens)
    .set({ revokedAt: now })
    .where(
      and(
        eq(apiTokens.organizationId, organizationId),
        eq(apiTokens.createdBy, userId),
        isNull(apiTokens.serviceAccountId),
        isNull(apiTokens.revokedAt),
      ),
    )
    .returning({ id: apiTokens.id });
  await tx
    .update(invitations)
    .set({ revokedAt: now })
    .where(
      and(
        eq(invitations.organizationId, organizationId),
        eq(invitations.invitedBy, userId),
        isNull(invitations.acceptedAt),
        isNull(invitations.revokedAt),
      ),
    );
  await tx
    .update(sessions)
    .set({ organizationId: null })
    .where(and(eq(sessions.organizationId, organizationId), eq(sessions.userId, userId)));
  await writeEvent(tx, principal, { type: "member.left", subject: { kind: "user", id: userId, name }, data: { removed } });
  await writeAudit(tx, principal, {
    action: removed ? "members.remove" : "members.leave",
    targetKind: "user",
    targetId: userId,
    before: { email: name, grants: told(before) },
    after: { revokedTokens: tokens.length },
  });
}
