import type { Grant, GrantScope, Permission, Role } from "@devflow/api";
import { and, asc, eq, type SQL, sql } from "drizzle-orm";
import type { Scope } from "../../../platform/auth/index.ts";
import { toGrant } from "../../../platform/auth/load-access.ts";
import { customRoles, grants, teams } from "../../../platform/auth/schema.ts";
import type { Database } from "../../../platform/db/index.ts";
import { serverGroups } from "../../groups/schema.ts";
import type { Placed } from "./rules.ts";

export type PrincipalKind = "user" | "team" | "service" | "token";

/** A grant with what it allows, where that is, and its names for people. */
export interface StoredGrant extends Placed {
  readonly id: string;
  readonly principalKind: PrincipalKind;
  readonly principalId: string;
  readonly role: Role | null;
  readonly roleId: string | null;
  readonly roleName: string;
  readonly scopeKind: GrantScope["kind"];
  readonly scopeId: string;
  readonly scopeName: string;
  readonly permissions: ReadonlySet<Permission>;
}

/** Where a grant's scope lies: what is granted over a group is covered by who has its team's things too. */
export const placeOf = (organizationId: string, kind: GrantScope["kind"], id: string, teamId: string | null): Scope | undefined => {
  if (kind === "organization") return undefined;
  if (kind === "group") return { organizationId, groupId: id, teamId };
  return kind === "team" ? { organizationId, teamId: id } : { organizationId, projectId: id };
};

/** Grants of an organisation that `condition` selects (columns of `grants`), in the order in which they were given. */
export async function storedGrants(
  tx: Pick<Database, "select">,
  organizationId: string,
  condition: SQL | undefined,
): Promise<StoredGrant[]> {
  const rows = await tx
    .select({
      id: grants.id,
      principalKind: grants.principalKind,
      principalId: grants.principalId,
      role: grants.role,
      roleId: grants.roleId,
      permissions: customRoles.permissions,
      customName: customRoles.name,
      scopeKind: grants.scopeKind,
      scopeId: grants.scopeId,
      groupName: serverGroups.name,
      owningTeamId: serverGroups.teamId,
      teamName: teams.name,
    })
    .from(grants)
    .leftJoin(customRoles, eq(customRoles.id, grants.roleId))
    .leftJoin(serverGroups, and(eq(grants.scopeKind, "group"), eq(sql`${serverGroups.id}::text`, grants.scopeId)))
    .leftJoin(teams, and(eq(grants.scopeKind, "team"), eq(sql`${teams.id}::text`, grants.scopeId)))
    .where(and(eq(grants.organizationId, organizationId), condition))
    .orderBy(asc(grants.createdAt), asc(grants.id));
  return rows.map((row) => {
    const role = row.role as Role | null;
    const scopeKind = row.scopeKind as GrantScope["kind"];
    const { permissions } = toGrant({ role, permissions: row.permissions, scopeKind, scopeId: row.scopeId });
    return {
      id: row.id,
      principalKind: row.principalKind as PrincipalKind,
      principalId: row.principalId,
      role,
      roleId: row.roleId,
      roleName: role ?? row.customName ?? "",
      scopeKind,
      scopeId: row.scopeId,
      scopeName: scopeKind === "organization" ? "Everything" : (row.groupName ?? row.teamName ?? ""),
      permissions,
      scope: placeOf(organizationId, scopeKind, row.scopeId, row.owningTeamId),
    };
  });
}

/** Condition on grants: those of one principal. */
export const heldBy = (kind: PrincipalKind, id: string): SQL | undefined => and(eq(grants.principalKind, kind), eq(grants.principalId, id));

/** Condition on grants: those of a user, own and of their teams in the organisation. */
export const heldByUser = (organizationId: string, userId: string): SQL =>
  sql`((${grants.principalKind} = 'user' and ${grants.principalId} = ${userId}) or (${grants.principalKind} = 'team' and ${grants.principalId} in (
    select m.team_id::text from team_members m where m.user_id = ${userId} and m.organization_id = ${organizationId}::uuid)))`;

/** Condition on grants: those over one thing. */
export const heldOver = (kind: GrantScope["kind"], id: string): SQL | undefined => and(eq(grants.scopeKind, kind), eq(grants.scopeId, id));

export const scopeView = (kind: GrantScope["kind"], id: string): GrantScope => (kind === "organization" ? { kind } : { kind, id });

/** As the API shows it. */
export const grantView = ({ role, roleId, roleName, scopeKind, scopeId, scopeName }: StoredGrant): Grant => ({
  role: role ?? roleId!,
  roleName,
  scope: scopeView(scopeKind, scopeId),
  scopeName,
});
