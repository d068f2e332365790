import type { OrganizationList, Role } from "@devflow/api";
import { type Identity, strongestRole } from "../../../platform/auth/index.ts";
import { type GrantRow, grantsSql, ofUserSql, toGrant } from "../../../platform/auth/load-access.ts";
import type { Context } from "../../../platform/context.ts";
import { organizationSettings } from "./settings.ts";

interface Row {
  id: string;
  name: string;
  createdAt: Date;
  deleteAfter: Date | null;
  members: number;
  grants: GrantRow[];
}

/** Organisations that the caller belongs to, by name; a token's is the one that it was made in. Those that will be deleted are shown to their owners. */
export async function listOrganizations({
  ctx,
  input: { identity },
}: {
  ctx: Context;
  input: { identity: Identity };
}): Promise<OrganizationList> {
  const { sql } = ctx;
  const mine =
    identity.kind === "user"
      ? sql`exists (select 1 from memberships m where m.organization_id = o.id and m.user_id = ${identity.id})`
      : sql`o.id = ${identity.organizationId}`;
  const rows = await sql<Row[]>`
    select o.id, o.name, o.created_at as "createdAt", o.delete_after as "deleteAfter",
      (select count(*)::int from memberships m where m.organization_id = o.id) as members,
      ${grantsSql(ctx, ofUserSql(ctx, sql`o.id`, sql`${identity.kind === "user" ? identity.id : ""}`))} as grants
    from organizations o where ${mine} order by lower(o.name), o.id`;
  const items = rows.map(({ grants, createdAt, deleteAfter, ...row }) => ({
    ...row,
    createdAt: createdAt.toISOString(),
    deleteAfter: deleteAfter?.toISOString() ?? null,
    deletable: row.id !== ctx.installation.defaultOrganizationId,
    active: row.id === identity.organizationId,
    role:
      identity.kind === "user"
        ? strongestRole({ grants: grants.map(toGrant), bound: null, installationAdministrator: false })
        : strongestRole(identity.access),
  }));
  return {
    items: items.filter(({ deleteAfter, role }) => deleteAfter === null || role === ("owner" satisfies Role)),
    mayCreate: await mayCreate(ctx, identity),
  };
}

/**
 * Whether somebody may make organisations; a service account may not, since each needs a person who owns it, and a
 * token only when it may do everything that its person may.
 */
export async function mayCreate(
  ctx: Context,
  { kind, userId, access }: { readonly kind: string } & Pick<Identity, "userId" | "access">,
): Promise<boolean> {
  if (userId === null || (kind === "token" && strongestRole(access) !== ("owner" satisfies Role))) return false;
  return access.installationAdministrator || (await organizationSettings(ctx)).creation === "everybody";
}
