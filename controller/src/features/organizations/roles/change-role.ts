import type { CreateRole, Permission, RoleChoice, UpdateRole } from "@devflow/api";
import { AppError } from "@devflow/errors";
import { and, count, eq, isNull, sql } from "drizzle-orm";
import { writeAudit } from "../../../platform/audit/index.ts";
import type { Access, Principal } from "../../../platform/auth/index.ts";
import { customRoles, grants } from "../../../platform/auth/schema.ts";
import type { Context } from "../../../platform/context.ts";
import type { Database } from "../../../platform/db/index.ts";
import { writeEvent } from "../../../platform/events/index.ts";
import { givesMore, lockOrganization, refuseMore, standsAbove } from "../grants/lock-organization.ts";
import { resolveRole } from "../grants/resolve.ts";
import { storedGrants } from "../grants/stored.ts";
import { behind, type Revoked, tellRevoked } from "../grants/tell-revoked.ts";
import { invitations } from "../schema.ts";
import { knownPermissions, usesOf } from "./list-roles.ts";

const maxRoles = 200;
const subjectOf = (id: string, name: string) => ({ kind: "role", id, name });
const sorted = (names: readonly Permission[]) => [...new Set(names)].toSorted();
/** Whoever makes or changes a role holds everything in it over the whole organisation. */
const refuse = (access: Access, permissions: readonly Permission[], message: (permission: Permission) => string) =>
  refuseMore(access, [{ permissions: new Set(permissions), scope: undefined }], message);

/** Makes a custom role. Returns its id. Throws AppError forbidden for a permission that the caller lacks, conflict for a taken name. */
export async function createRole({ ctx, principal, input }: { ctx: Context; principal: Principal; input: CreateRole }): Promise<string> {
  const { organizationId } = principal;
  const { name, description = "" } = input;
  const permissions = sorted(input.permissions);
  return ctx.db.transaction(async (tx) => {
    const { access } = await lockOrganization(tx, principal, "roles.manage");
    refuse(access, permissions, givesMore);
    const [existing] = await tx.select({ count: count() }).from(customRoles).where(eq(customRoles.organizationId, organizationId));
    if ((existing?.count ?? 0) >= maxRoles)
      throw new AppError("conflict", `There are ${maxRoles} roles already; delete those that nobody needs`);
    await refuseTaken(tx, organizationId, name);
    const [row] = await tx.insert(customRoles).values({ organizationId, name, description, permissions }).returning({ id: customRoles.id });
    await writeEvent(tx, principal, { type: "role.created", subject: subjectOf(row!.id, name), data: {} });
    await writeAudit(tx, principal, {
      action: "roles.create",
      targetKind: "role",
      targetId: row!.id,
      after: { name, description, permissions },
    });
    return row!.id;
  });
}

/**
 * Changes a custom role; whoever holds it may do what it says now, at once. Throws AppError not_found, conflict for a
 * taken name, forbidden for a role that allows more than the caller has, before or after.
 */
export async function updateRole({
  ctx,
  principal,
  input: { roleId, ...input },
}: {
  ctx: Context;
  principal: Principal;
  input: UpdateRole & { roleId: string };
}): Promise<void> {
  const { organizationId } = principal;
  const revoked = await ctx.db.transaction(async (tx) => {
    const { access } = await lockOrganization(tx, principal, "roles.manage");
    const role = await findRole(tx, organizationId, roleId);
    const before = { name: role.name, description: role.description, permissions: sorted(knownPermissions(role.permissions)) };
    refuse(access, before.permissions, standsAbove);
    const after = {
      name: input.name ?? before.name,
      description: input.description ?? before.description,
      permissions: input.permissions === undefined ? before.permissions : sorted(input.permissions),
    };
    refuse(access, after.permissions, givesMore);
    if (JSON.stringify(before) === JSON.stringify(after)) return [];
    if (before.name !== after.name) await refuseTaken(tx, organizationId, after.name);
    await tx
      .update(customRoles)
      .set({ ...after, updatedAt: new Date(ctx.clock.now()) })
      .where(eq(customRoles.id, roleId));
    await writeEvent(tx, principal, { type: "role.updated", subject: subjectOf(roleId, after.name), data: { before, after } });
    await writeAudit(tx, principal, { action: "roles.update", targetKind: "role", targetId: roleId, before, after });
    if (before.permissions.join() === after.permissions.join()) return [];
    return behind(tx, await storedGrants(tx, organizationId, eq(grants.roleId, roleId)));
  });
  tellRevoked(ctx, revoked);
}

/**
 * Deletes a custom role. In use, its holders and open invitations get `replacement`, and without one it stays.
 * Throws AppError not_found, conflict that says where it is in use, forbidden as updateRole() does.
 */
export async function deleteRole({
  ctx,
  principal,
  input: { roleId, replacement },
}: {
  ctx: Context;
  principal: Principal;
  input: { roleId: string; replacement?: RoleChoice | undefined };
}): Promise<void> {
  const { organizationId } = principal;
  const revoked = await ctx.db.transaction(async (tx): Promise<Revoked[]> => {
    const { access } = await lockOrganization(tx, principal, "roles.manage");
    const role = await findRole(tx, organizationId, roleId);
    const permissions = sorted(knownPermissions(role.permissions));
    refuse(access, permissions, standsAbove);
    const uses = (await usesOf(tx, organizationId, ctx.clock.now())).get(roleId) ?? [];
    const held = await storedGrants(tx, organizationId, eq(grants.roleId, roleId));
    if (uses.length > 0) {
      if (replacement === undefined)
        throw new AppError("conflict", `“${role.name}” is in use: ${inWords(uses)}. Choose a role that takes its place`);
      if (replacement === roleId || replacement === "owner")
        throw new AppError("invalid", "replacement: choose another role, and not owner, which is given by name");
      const next = await resolveRole(tx, organizationId, replacement);
      refuse(access, [...next.permissions], givesMore);
      await tx.update(grants).set({ role: next.role, roleId: next.roleId }).where(eq(grants.roleId, roleId));
      await replaceInInvitations(tx, organizationId, roleId, replacement);
    }
    await tx.delete(customRoles).where(eq(customRoles.id, roleId));
    await writeEvent(tx, principal, { type: "role.deleted", subject: subjectOf(roleId, role.name), data: {} });
    await writeAudit(tx, principal, {
      action: "roles.delete",
      targetKind: "role",
      targetId: roleId,
      before: { name: role.name, permissions, usedBy: uses },
      after: { replacement: replacement ?? null },
    });
    return behind(tx, held);
  });
  tellRevoked(ctx, revoked);
}

const inWords = (uses: readonly string[]) =>
  uses.length > 5 ? `${uses.slice(0, 5).join(", ")} and ${uses.length - 5} more` : uses.join(", ");

async function findRole(tx: Pick<Database, "select">, organizationId: string, roleId: string) {
  const [role] = await tx
    .select()
    .from(customRoles)
    .where(and(eq(customRoles.id, roleId), eq(customRoles.organizationId, organizationId)));
  if (role === undefined) throw new AppError("not_found", "There is no such role");
  return role;
}

async function replaceInInvitations(
  tx: Pick<Database, "update">,
  organizationId: string,
  roleId: string,
  replacement: RoleChoice,
): Promise<void> {
  await tx
    .update(invitations)
    .set({
      grants: sql`(select jsonb_agg(case when g->>'role' = ${roleId} then jsonb_set(g, '{role}', to_jsonb(${replacement}::text)) else g end)
        from jsonb_array_elements(${invitations.grants}) g)`,
    })
    .where(
      and(
        eq(invitations.organizationId, organizationId),
        isNull(invitations.acceptedAt),
        sql`${invitations.grants}::text like ${`%${roleId}%`}`,
      ),
    );
}

async function refuseTaken(tx: Pick<Database, "select">, organizationId: string, name: string): Promise<void> {
  const [taken] = await tx
    .select({ id: customRoles.id })
    .from(customRoles)
    .where(and(eq(customRoles.organizationId, organizationId), eq(customRoles.name, name)));
  if (taken !== undefined)
    throw new AppError("conflict", `There is a role called “${name}” already`, {
      details: { fields: [{ path: "name", message: "this name is taken" }] },
    });
}
