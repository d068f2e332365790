import type { Member } from "@devflow/api";
import { inArray, or, and, eq, sql as fragment } from "drizzle-orm";
import type { Principal } from "../../../platform/auth/index.ts";
import { grants, teamMembers, teams } from "../../../platform/auth/schema.ts";
import type { Context } from "../../../platform/context.ts";
import { type Page, readCursor, writeCursor } from "../../../platform/http/cursor.ts";
import { mayChange } from "../grants/rules.ts";
import { grantView, storedGrants } from "../grants/stored.ts";

interface Input {
  cursor?: string | undefined;
  limit?: number | undefined;
  /** Part of a name or address. */
  search?: string | undefined;
}

interface Row {
  userId: string;
  name: string;
  email: string;
  joinedAt: Date;
  lastActiveAt: Date | null;
}

/**
 * Members of the organisation by e-mail address, with their own roles, their teams and when they were last here (the
 * day, from sessions and tokens of this organisation alone). Throws AppError invalid for a foreign cursor.
 */
export async function listMembers({ ctx, principal, input }: { ctx: Context; principal: Principal; input: Input }): Promise<Page<Member>> {
  const { sql, db } = ctx;
  const { organizationId } = principal;
  const limit = input.limit ?? 100;
  const after = readCursor(input.cursor, ["string", "string"]);
  const wanted = input.search
    ?.trim()
    .toLowerCase()
    .replaceAll(/[\\%_]/g, "\\$&");
  const rows = await sql<Row[]>`
    select u.id as "userId", u.name, u.email, m.created_at as "joinedAt",
      greatest(
        (select max(coalesce(s.last_used_at, s.created_at)) from sessions s where s.user_id = u.id and coalesce(s.organization_id, (
          select f.organization_id from memberships f where f.user_id = u.id order by f.created_at, f.organization_id limit 1)) = m.organization_id),
        (select max(t.last_used_at) from api_tokens t where t.created_by = u.id and t.organization_id = m.organization_id)
      ) as "lastActiveAt"
    from memberships m join users u on u.id = m.user_id
    where m.organization_id = ${organizationId}
      ${wanted ? sql`and (lower(u.email) like ${`%${wanted}%`} or lower(u.name) like ${`%${wanted}%`})` : sql``}
      ${after === null ? sql`` : sql`and (u.email, u.id) > (${after[0]}, ${after[1]})`}
    order by u.email, u.id limit ${limit + 1}`;
  const shown = rows.slice(0, limit);
  const ids = shown.map(({ userId }) => userId);
  const memberships =
    ids.length === 0
      ? []
      : await db
          .select({ userId: teamMembers.userId, id: teams.id, name: teams.name })
          .from(teamMembers)
          .innerJoin(teams, eq(teams.id, teamMembers.teamId))
          .where(and(eq(teamMembers.organizationId, organizationId), inArray(teamMembers.userId, ids)))
          .orderBy(fragment`lower(${teams.name})`);
  const teamIds = [...new Set(memberships.map(({ id }) => id))];
  const held =
    ids.length === 0
      ? []
      : await storedGrants(
          db,
          organizationId,
          or(
            and(eq(grants.principalKind, "user"), inArray(grants.principalId, ids)),
            teamIds.length === 0 ? undefined : and(eq(grants.principalKind, "team"), inArray(grants.principalId, teamIds)),
          ),
        );
  const last = shown.at(-1);
  return {
    items: shown.map((row) => {
      const inTeams = memberships.filter(({ userId }) => userId === row.userId).map(({ id, name }) => ({ id, name }));
      const own = held.filter(({ principalKind, principalId }) => principalKind === "user" && principalId === row.userId);
      const byTeams = held.filter(
        ({ principalKind, principalId }) => principalKind === "team" && inTeams.some(({ id }) => id === principalId),
      );
      return {
        ...row,
        joinedAt: row.joinedAt.toISOString(),
        lastActiveAt: row.lastActiveAt?.toISOString() ?? null,
        grants: own.map(grantView),
        teams: inTeams,
        you: row.userId === principal.userId,
        mayChange: mayChange(principal.access, [...own, ...byTeams]),
      };
    }),
    nextCursor: rows.length > limit && last !== undefined ? writeCursor([last.email, last.userId]) : null,
  };
}
