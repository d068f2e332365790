import type { Tag } from "@devflow/api";
import type { Principal } from "../../../platform/auth/index.ts";
import { reachOf } from "../../../platform/auth/index.ts";
import type { Context } from "../../../platform/context.ts";
import { withinPartsSql } from "../within-parts.ts";

/**
 * Tags by name with how many servers within reach have them. Whoever sees the whole organisation also sees those that
 * no server has yet; a tag of servers that somebody cannot see is not told of.
 */
export async function listTags({ ctx, principal }: { ctx: Pick<Context, "sql">; principal: Principal }): Promise<Tag[]> {
  const { sql } = ctx;
  const parts = reachOf(principal.access, "servers.read");
  const rows = await sql<Tag[]>`
    with used as (
      select tag as name, count(*)::int as servers from servers s, unnest(s.tags) tag
      where s.organization_id = ${principal.organizationId} ${withinPartsSql(ctx, parts, sql`s.group_id`)} group by 1
    ), known as (select * from tags where organization_id = ${principal.organizationId})
    select name, coalesce(k.color, 'grey') as color, coalesce(k.description, '') as description, coalesce(u.servers, 0) as servers
    from known k full join used u using (name)
    where ${parts.length === 0} or u.servers > 0
    order by lower(name), name`;
  return [...rows];
}
