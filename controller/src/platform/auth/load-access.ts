import { type Permission, permissionTable, type Role } from "@devflow/api";
import type { Fragment } from "postgres";
import type { Context } from "../context.ts";
import { type Grant, rolePermissions } from "./access.ts";

/** A grant as the database holds it. */
export interface GrantRow {
  readonly role: Role | null;
  /** Of a custom role. */
  readonly permissions: readonly string[] | null;
  readonly scopeKind: Grant["scopeKind"];
  readonly scopeId: string;
}

/** What a stored grant allows. Permissions that this version does not know allow nothing. */
export function toGrant({ role, permissions, scopeKind, scopeId }: GrantRow): Grant {
  const known = (name: string): name is Permission => Object.hasOwn(permissionTable, name);
  return { role, permissions: role === null ? new Set((permissions ?? []).filter(known)) : rolePermissions[role], scopeKind, scopeId };
}

/** JSON array of GrantRow for grants g that `condition` selects. */
export const grantsSql = ({ sql }: Pick<Context, "sql">, condition: Fragment) => sql`(
  select coalesce(json_agg(json_build_object('role', g.role, 'permissions', r.permissions, 'scopeKind', g.scope_kind, 'scopeId', g.scope_id)), '[]')
  from grants g left join custom_roles r on r.id = g.role_id where ${condition})`;

/** Condition on grants g: those of a user, own and of its teams. `organization` and `user` are columns or values. */
export const ofUserSql = ({ sql }: Pick<Context, "sql">, organization: Fragment, user: Fragment) => sql`
  g.organization_id = ${organization} and (
    (g.principal_kind = 'user' and g.principal_id = ${user}) or
    (g.principal_kind = 'team' and g.principal_id in (
      select m.team_id::text from team_members m where m.user_id = ${user} and m.organization_id = ${organization})))`;

/** A membership with all that the user may do there. */
export interface LoadedMembership {
  readonly organizationId: string;
  readonly grants: readonly Grant[];
  readonly installationAdministrator: boolean;
}

/** Condition: organisation o lets in whoever has no say in its deletion: none is planned, or the user owns it. */
export const letsInSql = ({ sql }: Pick<Context, "sql">, user: Fragment) => sql`(o.delete_after is null or exists (
  select 1 from grants w where w.organization_id = o.id and w.principal_kind = 'user' and w.principal_id = ${user}
    and w.role = 'owner' and w.scope_kind = 'organization'))`;

type MembershipRow = Omit<LoadedMembership, "grants"> & { readonly grants: GrantRow[] };
const toMembership = <Row extends MembershipRow>(row: Row | undefined) =>
  row === undefined ? null : { ...row, grants: row.grants.map(toGrant) };

/**
 * The membership that somebody works with: of `wanted` while the user belongs to it, otherwise the oldest. Null for a
 * user who belongs nowhere or is disabled. An organisation that will be deleted lets its owners in and nobody else, and is nobody's
 * first choice.
 */
export async function loadMembership(ctx: Context, userId: string, wanted: string | null): Promise<LoadedMembership | null> {
  const { sql } = ctx;
  const [row] = await sql<MembershipRow[]>`
    select ${columnsSql(ctx)} from ${tablesSql(ctx)} where ${ofSql(ctx, userId)} order by ${firstSql(ctx, sql`${wanted}::uuid`)} limit 1`;
  return toMembership(row);
}

/** The membership that a session works with, as loadMembership() says, and what is known of the session; times in milliseconds. */
export async function loadSessionMembership(
  ctx: Context,
  userId: string,
  sessionId: string,
): Promise<(LoadedMembership & { readonly confirmedAtMs: number | null; readonly lastUsedAtMs: number | null }) | null> {
  const { sql } = ctx;
  const [row] = await sql<(MembershipRow & { confirmedAtMs: number | null; lastUsedAtMs: number | null })[]>`
    select ${columnsSql(ctx)}, ${msSql(ctx, sql`s.confirmed_at`)} as "confirmedAtMs", ${msSql(ctx, sql`s.last_used_at`)} as "lastUsedAtMs"
    from ${tablesSql(ctx)} left join sessions s on s.id = ${sessionId}
    where ${ofSql(ctx, userId)} order by ${firstSql(ctx, sql`s.organization_id`)} limit 1`;
  return toMembership(row);
}

type WithSql = Pick<Context, "sql">;
const columnsSql = (ctx: WithSql) => ctx.sql`
  m.organization_id as "organizationId", u.installation_administrator as "installationAdministrator",
  ${grantsSql(ctx, ofUserSql(ctx, ctx.sql`m.organization_id`, ctx.sql`m.user_id`))} as grants`;
const tablesSql = ({ sql }: WithSql) =>
  sql`memberships m join users u on u.id = m.user_id join organizations o on o.id = m.organization_id`;
const ofSql = (ctx: WithSql, userId: string) =>
  ctx.sql`m.user_id = ${userId} and u.disabled_at is null and ${letsInSql(ctx, ctx.sql`m.user_id`)}`;
const firstSql = ({ sql }: WithSql, wanted: Fragment) =>
  sql`(m.organization_id = ${wanted}) is true desc, o.delete_after is not null, m.created_at, m.organization_id`;
const msSql = ({ sql }: WithSql, column: Fragment) => sql`floor(extract(epoch from ${column}) * 1000)::float8`;
