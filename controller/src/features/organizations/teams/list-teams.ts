import type { Team, TeamDetails } from "@devflow/api";
import { AppError } from "@devflow/errors";
import { and, asc, count, eq, inArray, sql } from "drizzle-orm";
import { holds, type Principal, reachOf } from "../../../platform/auth/index.ts";
import { grants, teamMembers, teams, users } from "../../../platform/auth/schema.ts";
import type { Context } from "../../../platform/context.ts";
import { serverGroups } from "../../groups/schema.ts";
import { holdersOver } from "../grants/holders.ts";
import { grantView, heldBy, storedGrants } from "../grants/stored.ts";

type Row = typeof teams.$inferSelect;

const view = (principal: Principal, row: Row) => ({
  id: row.id,
  name: row.name,
  description: row.description,
  createdAt: row.createdAt.toISOString(),
  mayManage: holds(principal.access, "teams.manage", { organizationId: row.organizationId, teamId: row.id }),
});

/** Teams that the caller may see, by name: all of the organisation, or those over whose things they hold a role. */
export async function listTeams({ ctx, principal }: { ctx: Context; principal: Principal }): Promise<Team[]> {
  const { organizationId } = principal;
  const parts = reachOf(principal.access, "members.read");
  const within = (id: string) => parts.every(({ teamIds }) => teamIds.includes(id));
  const rows = (
    await ctx.db
      .select()
      .from(teams)
      .where(eq(teams.organizationId, organizationId))
      .orderBy(asc(sql`lower(${teams.name})`), asc(teams.id))
  ).filter(({ id }) => within(id));
  const members = await ctx.db
    .select({ teamId: teamMembers.teamId, count: count() })
    .from(teamMembers)
    .where(eq(teamMembers.organizationId, organizationId))
    .groupBy(teamMembers.teamId);
  const groups = await ctx.db
    .select({ teamId: serverGroups.teamId, count: count() })
    .from(serverGroups)
    .where(eq(serverGroups.organizationId, organizationId))
    .groupBy(serverGroups.teamId);
  const ids = rows.map(({ id }) => id);
  const held =
    ids.length === 0
      ? []
      : await storedGrants(ctx.db, organizationId, and(eq(grants.principalKind, "team"), inArray(grants.principalId, ids)));
  const countOf = (list: readonly { teamId: string | null; count: number }[], id: string) =>
    list.find(({ teamId }) => teamId === id)?.count ?? 0;
  return rows.map((row) => ({
    ...view(principal, row),
    members: countOf(members, row.id),
    groups: countOf(groups, row.id),
    grants: held.filter(({ principalId }) => principalId === row.id).map(grantView),
  }));
}

/** One team with its people, its roles, its groups, and who holds roles over what it owns. Throws AppError not_found. */
export async function getTeam({
  ctx,
  principal,
  input: { teamId },
}: {
  ctx: Context;
  principal: Principal;
  input: { teamId: string };
}): Promise<TeamDetails> {
  const { organizationId } = principal;
  const [row] = await ctx.db
    .select()
    .from(teams)
    .where(and(eq(teams.id, teamId), eq(teams.organizationId, organizationId)));
  if (row === undefined) throw new AppError("not_found", "There is no such team");
  const members = await ctx.db
    .select({ userId: users.id, name: users.name, email: users.email, since: teamMembers.createdAt })
    .from(teamMembers)
    .innerJoin(users, eq(users.id, teamMembers.userId))
    .where(eq(teamMembers.teamId, teamId))
    .orderBy(asc(users.email));
  const groups = await ctx.db
    .select({ id: serverGroups.id, name: serverGroups.name })
    .from(serverGroups)
    .where(and(eq(serverGroups.teamId, teamId), eq(serverGroups.organizationId, organizationId)))
    .orderBy(asc(sql`lower(${serverGroups.name})`));
  return {
    ...view(principal, row),
    members: members.map((member) => ({ ...member, since: member.since.toISOString() })),
    groups,
    grants: (await storedGrants(ctx.db, organizationId, heldBy("team", teamId))).map(grantView),
    holders: await holdersOver(ctx.db, principal, "team", teamId),
  };
}
