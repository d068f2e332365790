import { AppError } from "@devflow/errors";
import { and, asc, eq, inArray, isNull, sql } from "drizzle-orm";
import type { Principal } from "../../../platform/auth/index.ts";
import { grants, memberships, organizations, users } from "../../../platform/auth/schema.ts";
import type { Context } from "../../../platform/context.ts";
import type { Database } from "../../../platform/db/index.ts";
import { invitations } from "../../organizations/schema.ts";
import { apiTokens } from "../../tokens/schema.ts";
import { keepAdministrator, lockAdministrators, organizationsOf } from "./lock-administrators.ts";
import { tellOrganizations } from "./tell-organizations.ts";

/**
 * Removes a user from the installation: account, ways in, memberships, roles, API tokens, open invitations by them,
 * saved views. What they did stays in events and audit logs. Throws AppError not_found, conflict for oneself, for the
 * last administrator, and while an organisation has no other owner.
 */
export async function removeUser({
  ctx,
  principal,
  input: { userId },
}: {
  ctx: Context;
  principal: Principal;
  input: { userId: string };
}): Promise<void> {
  if (userId === principal.userId) throw new AppError("conflict", "Nobody removes themselves; ask another administrator");
  await ctx.db.transaction(async (tx) => {
    const before = await lockAdministrators(tx, principal, userId);
    const everywhere = await organizationsOf(tx, userId);
    await keepOwners(tx, everywhere, userId);
    const tokens = tx
      .select({ id: sql<string>`${apiTokens.id}::text` })
      .from(apiTokens)
      .where(eq(apiTokens.createdBy, userId));
    await tx.delete(grants).where(and(eq(grants.principalKind, "token"), inArray(grants.principalId, tokens)));
    await tx.delete(grants).where(and(eq(grants.principalKind, "user"), eq(grants.principalId, userId)));
    const open = and(eq(invitations.invitedBy, userId), isNull(invitations.acceptedAt), isNull(invitations.revokedAt));
    await tx
      .update(invitations)
      .set({ revokedAt: new Date(ctx.clock.now()) })
      .where(open);
    // Everything else that is theirs goes with it.
    await tx.delete(users).where(eq(users.id, userId));
    await keepAdministrator(tx, before);
    await tellOrganizations(
      tx,
      principal,
      everywhere,
      { action: "users.remove", targetKind: "user", targetId: userId, before: { name: before.name, email: before.email } },
      { type: "member.left", subject: { kind: "user", id: userId, name: before.email }, data: { removed: true } },
    );
  });
  ctx.bus.emit("principal.revoked", { kind: "user", id: userId });
}

/** Locks the organisations as changes of who may do what do, in one order. Throws AppError conflict when one has no other owner. */
async function keepOwners(tx: Database, organizationIds: readonly string[], userId: string): Promise<void> {
  if (organizationIds.length === 0) return;
  const locked = await tx
    .select({ id: organizations.id, name: organizations.name })
    .from(organizations)
    .where(inArray(organizations.id, [...organizationIds]))
    .orderBy(asc(organizations.id))
    .for("no key update");
  const owners = await tx
    .select({ organizationId: grants.organizationId, userId: grants.principalId })
    .from(grants)
    .innerJoin(memberships, and(eq(memberships.organizationId, grants.organizationId), eq(memberships.userId, grants.principalId)))
    .where(
      and(
        inArray(grants.organizationId, [...organizationIds]),
        eq(grants.principalKind, "user"),
        eq(grants.role, "owner"),
        eq(grants.scopeKind, "organization"),
      ),
    );
  const alone = locked.filter(({ id }) => {
    const own = owners.filter(({ organizationId }) => organizationId === id);
    return own.some((owner) => owner.userId === userId) && own.length === 1;
  });
  if (alone.length > 0)
    throw new AppError(
      "conflict",
      `They are the only owner of ${alone.map(({ name }) => `"${name}"`).join(", ")}: it needs another one, or has to be deleted first. Disabling them works at once`,
    );
}
