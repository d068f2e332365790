import type { Fragment } from "postgres";
import type { Part } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";

const list = (ids: readonly string[]) => ids.join(",");

/**
 * SQL " and …" that keeps what is within all parts; empty when there are none, which means the whole organisation.
 * @param groupId column or value that names the group of a thing
 */
export function withinPartsSql({ sql }: Pick<Context, "sql">, parts: readonly Part[], groupId: Fragment): Fragment {
  const conditions = parts.map(
    ({ groupIds, teamIds }) => sql` and ${groupId} in (
      select id from server_groups where id = any(string_to_array(${list(groupIds)}, ',')::uuid[])
        or team_id = any(string_to_array(${list(teamIds)}, ',')::uuid[]))`,
  );
  return conditions.reduce((all, condition) => sql`${all}${condition}`, sql``);
}
