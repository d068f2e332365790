import type { Permission } from "@devflow/api";
import { AppError } from "@devflow/errors";
import { and, eq } from "drizzle-orm";
import { holds, type Principal, type Scope } from "../../platform/auth/index.ts";
import { toGrant } from "../../platform/auth/load-access.ts";
import { customRoles, grants, teams } from "../../platform/auth/schema.ts";
import type { Database } from "../../platform/db/index.ts";

const missing = (message: string) => new AppError("invalid", `teamId: ${message}`, { details: { fields: [{ path: "teamId", message }] } });

/** Makes sure that the team is the organisation's. Throws AppError invalid. */
export async function demandTeam(tx: Pick<Database, "select">, organizationId: string, teamId: string): Promise<void> {
  const [team] = await tx
    .select({ id: teams.id })
    .from(teams)
    .where(and(eq(teams.id, teamId), eq(teams.organizationId, organizationId)))
    .for("share");
  if (team === undefined) throw missing("there is no such team");
}

/**
 * Giving a group to a team gives its servers to everybody who has a role over what the team owns. Nobody gives more
 * than they have: throws AppError forbidden when one of those roles allows what the principal may not do at `place`.
 */
export async function refuseGivingMore(tx: Pick<Database, "select">, principal: Principal, teamId: string, place: Scope): Promise<void> {
  const rows = await tx
    .select({ role: grants.role, permissions: customRoles.permissions, scopeKind: grants.scopeKind, scopeId: grants.scopeId })
    .from(grants)
    .leftJoin(customRoles, eq(customRoles.id, grants.roleId))
    .where(and(eq(grants.organizationId, principal.organizationId), eq(grants.scopeKind, "team"), eq(grants.scopeId, teamId)));
  const given = new Set<Permission>(rows.flatMap((row) => [...toGrant(row as Parameters<typeof toGrant>[0]).permissions]));
  for (const permission of given) {
    if (holds(principal.access, permission, place)) continue;
    throw new AppError("forbidden", `People with roles over this team's things would get "${permission}" here, which you do not have`);
  }
}
