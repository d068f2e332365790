import type { ServerGroup } from "@devflow/api";
import { AppError } from "@devflow/errors";
import type { Fragment } from "postgres";
import { type Principal, reachOf } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";
import { withinPartsSql } from "./within-parts.ts";

interface Row extends Pick<ServerGroup, "id" | "name" | "description"> {
  createdMs: number;
  updatedMs: number;
  teamId: string | null;
  teamName: string | null;
  total: number;
  online: number;
}

/** Groups g within the principal's reach that `condition` keeps, by name, with their counts. */
async function groupRows(ctx: Pick<Context, "sql">, principal: Principal, condition: Fragment): Promise<ServerGroup[]> {
  const { sql } = ctx;
  const rows = await sql<Row[]>`
    select g.id, g.name, g.description, t.id as "teamId", t.name as "teamName",
      extract(epoch from g.created_at)::float8 * 1000 as "createdMs", extract(epoch from g.updated_at)::float8 * 1000 as "updatedMs",
      coalesce(n.total, 0) as total, coalesce(n.online, 0) as online
    from server_groups g left join teams t on t.id = g.team_id
    left join (
      select s.group_id, count(*)::int as total, count(a.server_id) filter (where s.quarantined_at is null)::int as online
      from servers s left join agent_sessions a on a.server_id = s.id
      where s.organization_id = ${principal.organizationId} and s.group_id is not null and s.revoked_at is null group by 1
    ) n on n.group_id = g.id
    where g.organization_id = ${principal.organizationId} ${withinPartsSql(ctx, reachOf(principal.access, "servers.read"), sql`g.id`)} ${condition}
    order by lower(g.name), g.id`;
  const iso = (ms: number) => new Date(ms).toISOString();
  return rows.map(({ teamId, teamName, createdMs, updatedMs, total, online, ...group }) => ({
    ...group,
    team: teamId === null ? null : { id: teamId, name: teamName ?? "" },
    servers: { total, online },
    createdAt: iso(createdMs),
    updatedAt: iso(updatedMs),
  }));
}

/** All groups within reach, by name. */
export const listGroups = ({ ctx, principal }: { ctx: Pick<Context, "sql">; principal: Principal }): Promise<ServerGroup[]> =>
  groupRows(ctx, principal, ctx.sql``);

/** One group. Throws AppError not_found, also out of reach. */
export async function getGroup({
  ctx,
  principal,
  input: { groupId },
}: {
  ctx: Pick<Context, "sql">;
  principal: Principal;
  input: { groupId: string };
}): Promise<ServerGroup> {
  const [group] = await groupRows(ctx, principal, ctx.sql`and g.id = ${groupId}`);
  if (group === undefined) throw new AppError("not_found", "There is no such group");
  return group;
}
