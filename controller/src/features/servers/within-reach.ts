import type { Permission } from "@devflow/api";
import { type Part, type Principal, reachOf } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";

/** The parts of its organisation where a principal holds a permission on servers, and a key that is the same for equal reaches. */
export interface Reach {
  readonly parts: readonly Part[];
  readonly key: string;
}

export function serverReach(principal: Principal, permission: Permission = "servers.read"): Reach {
  const parts = reachOf(principal.access, permission);
  return { parts, key: parts.length === 0 ? "" : JSON.stringify(parts) };
}

const list = (ids: readonly string[]) => ids.join(",");

/** SQL " and …" that keeps of servers s those within reach; empty when that is the whole organisation. */
export function withinReachSql({ sql }: Pick<Context, "sql">, { parts }: Reach) {
  const conditions = parts.map(
    ({ groupIds, teamIds }) => sql` and s.group_id in (
      select id from server_groups where id = any(string_to_array(${list(groupIds)}, ',')::uuid[])
        or team_id = any(string_to_array(${list(teamIds)}, ',')::uuid[]))`,
  );
  return conditions.reduce((all, condition) => sql`${all}${condition}`, sql``);
}
