import type { Scope } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";

/** Where a server belongs; null when it is not there. The question that routes and live topics ask before decide(). */
export async function serverScope(ctx: Context, serverId: string): Promise<Scope | null> {
  const [row] = await ctx.sql<{ organizationId: string; groupId: string | null; teamId: string | null }[]>`
    select s.organization_id as "organizationId", s.group_id as "groupId", g.team_id as "teamId"
    from servers s left join server_groups g on g.id = s.group_id where s.id = ${serverId}`;
  return row ?? null;
}
