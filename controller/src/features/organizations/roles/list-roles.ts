import { type CustomRole, type Permission, permissionTable } from "@devflow/api";
import { and, asc, eq, gt, isNotNull, isNull, sql } from "drizzle-orm";
import { holds, type Principal } from "../../../platform/auth/index.ts";
import { customRoles, grants } from "../../../platform/auth/schema.ts";
import type { Context } from "../../../platform/context.ts";
import type { Database } from "../../../platform/db/index.ts";
import { namesOf } from "../grants/holders.ts";
import { storedGrants } from "../grants/stored.ts";
import { invitations } from "../schema.ts";

/** Permissions of a stored role that this version knows. */
export const knownPermissions = (names: readonly string[]): Permission[] =>
  names.filter((name): name is Permission => Object.hasOwn(permissionTable, name));

/** Custom roles by name, with where each is in use. */
export async function listRoles({ ctx, principal }: { ctx: Context; principal: Principal }): Promise<CustomRole[]> {
  const { organizationId } = principal;
  const rows = await ctx.db
    .select()
    .from(customRoles)
    .where(eq(customRoles.organizationId, organizationId))
    .orderBy(asc(sql`lower(${customRoles.name})`));
  const uses = await usesOf(ctx.db, organizationId, ctx.clock.now());
  return rows.map(({ id, name, description, permissions, createdAt, updatedAt }) => ({
    id,
    name,
    description,
    permissions: knownPermissions(permissions),
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
    usedBy: uses.get(id) ?? [],
    mayChange:
      holds(principal.access, "roles.manage") && knownPermissions(permissions).every((permission) => holds(principal.access, permission)),
  }));
}

const words = { user: "", team: "team ", service: "service account ", token: "API token " } as const;

/** Where custom roles are in use, by role: who holds them where, and open invitations; "team Ops (servers of db)". */
export async function usesOf(db: Pick<Database, "select">, organizationId: string, nowMs: number): Promise<Map<string, string[]>> {
  const list = await storedGrants(db, organizationId, isNotNull(grants.roleId));
  const names = await namesOf(db, list);
  const uses = new Map<string, string[]>();
  const add = (roleId: string, text: string) => uses.set(roleId, [...(uses.get(roleId) ?? []), text]);
  for (const { roleId, principalKind, principalId, scopeKind, scopeName } of list) {
    const where = scopeKind === "organization" ? "" : ` (${scopeKind} ${scopeName})`;
    add(roleId!, `${words[principalKind]}${names.get(principalId) ?? principalId}${where}`);
  }
  const open = await db
    .select({ email: invitations.email, grants: invitations.grants })
    .from(invitations)
    .where(
      and(
        eq(invitations.organizationId, organizationId),
        isNull(invitations.acceptedAt),
        isNull(invitations.revokedAt),
        gt(invitations.expiresAt, new Date(nowMs)),
      ),
    );
  for (const { email, grants: given } of open) {
    for (const { role } of given as { role: string }[])
      if (role.length === 36) add(role, email === null ? "an invitation link" : `invitation of ${email}`);
  }
  return uses;
}
