import { type GrantChoice, type Permission, type Role, type RoleChoice, roles } from "@devflow/api";
import { AppError } from "@devflow/errors";
import { and, eq } from "drizzle-orm";
import { rolePermissions } from "../../../platform/auth/index.ts";
import { toGrant } from "../../../platform/auth/load-access.ts";
import { customRoles, teams } from "../../../platform/auth/schema.ts";
import type { Database } from "../../../platform/db/index.ts";
import { serverGroups } from "../../groups/schema.ts";
import { placeOf, type StoredGrant } from "./stored.ts";

/** A grant that is to be given: everything of a stored one but who gets it. */
export type ResolvedGrant = Omit<StoredGrant, "id" | "principalKind" | "principalId">;

export interface ResolvedRole {
  readonly role: Role | null;
  readonly roleId: string | null;
  readonly roleName: string;
  readonly permissions: ReadonlySet<Permission>;
}

const isBuiltIn = (choice: RoleChoice): choice is Role => (roles as readonly string[]).includes(choice);

/** A built-in or custom role of the organisation. Throws AppError invalid when there is no such role. */
export async function resolveRole(tx: Pick<Database, "select">, organizationId: string, choice: RoleChoice): Promise<ResolvedRole> {
  if (isBuiltIn(choice)) return { role: choice, roleId: null, roleName: choice, permissions: rolePermissions[choice] };
  const [row] = await tx
    .select()
    .from(customRoles)
    .where(and(eq(customRoles.id, choice), eq(customRoles.organizationId, organizationId)))
    .for("share");
  if (row === undefined) throw new AppError("invalid", `role: there is no role ${choice} here`);
  const { permissions } = toGrant({ role: null, permissions: row.permissions, scopeKind: "organization", scopeId: organizationId });
  return { role: null, roleId: row.id, roleName: row.name, permissions };
}

/**
 * What was chosen, with what it allows and where. Throws AppError invalid for roles, groups and teams that are not
 * the organisation's, for two roles over the same thing, and for a part of it with the role "owner".
 */
export async function resolveGrants(
  tx: Pick<Database, "select">,
  organizationId: string,
  choices: readonly GrantChoice[],
): Promise<ResolvedGrant[]> {
  const seen = new Set<string>();
  const resolved: ResolvedGrant[] = [];
  for (const { role: choice, scope } of choices) {
    const scopeId = scope.kind === "organization" ? organizationId : scope.id;
    if (seen.has(`${scope.kind}:${scopeId}`)) throw new AppError("invalid", "grants: one role for each thing; two were given for the same");
    seen.add(`${scope.kind}:${scopeId}`);
    if (choice === "owner" && scope.kind !== "organization")
      throw new AppError("invalid", "grants: the whole organisation has owners, its parts have none; choose admin");
    const { name, teamId } = await findPlace(tx, organizationId, scope.kind, scopeId);
    const role = await resolveRole(tx, organizationId, choice);
    resolved.push({
      ...role,
      scopeKind: scope.kind,
      scopeId,
      scopeName: name,
      scope: placeOf(organizationId, scope.kind, scopeId, teamId),
    });
  }
  return resolved;
}

async function findPlace(tx: Pick<Database, "select">, organizationId: string, kind: StoredGrant["scopeKind"], id: string) {
  if (kind === "organization") return { name: "Everything", teamId: null };
  const [place] =
    kind === "group"
      ? await tx
          .select({ name: serverGroups.name, teamId: serverGroups.teamId })
          .from(serverGroups)
          .where(and(eq(serverGroups.id, id), eq(serverGroups.organizationId, organizationId)))
          .for("share")
      : kind === "team"
        ? (
            await tx
              .select({ name: teams.name })
              .from(teams)
              .where(and(eq(teams.id, id), eq(teams.organizationId, organizationId)))
          ).map(({ name }) => ({ name, teamId: null }))
        : [];
  if (place === undefined) throw new AppError("invalid", `grants: there is no ${kind} ${id} here`);
  return place;
}

/** For the audit log and events, without ids that say nothing; in one order, so that equal grants read alike. */
export const told = (list: readonly Pick<StoredGrant, "roleName" | "scopeKind" | "scopeId" | "scopeName">[]) =>
  list
    .map(({ roleName, scopeKind, scopeId, scopeName }) => ({ role: roleName, scopeKind, scopeId, scopeName }))
    .toSorted((a, b) => (`${a.scopeKind}:${a.scopeId}` < `${b.scopeKind}:${b.scopeId}` ? -1 : 1));
