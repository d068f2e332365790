import type { ServerFilter } from "@devflow/api";
import type { Context } from "../../platform/context.ts";
import { arrayLiteral } from "../../platform/db/index.ts";
import { stateSql } from "./server-rows.ts";

/** A pattern for what somebody typed, with LIKE's own signs taken literally, in lower case as the database makes it. */
const containsSql = ({ sql }: Pick<Context, "sql">, text: string, before = "%") =>
  sql`lower(${`${before}${text.replaceAll(/[\\%_]/g, "\\$&")}%`}) collate "C"`;

/** SQL " and …" that keeps of servers s (with their connections a) those that a filter lets pass; empty for an empty one. */
export function filterSql(ctx: Pick<Context, "sql">, organizationId: string, filter: ServerFilter) {
  const { sql } = ctx;
  const { state, group, tag = [], monitorOnly } = filter;
  const [search, os] = [filter.search?.trim() ?? "", filter.os?.trim() ?? ""];
  const groupIds = group?.filter((id) => id !== "none") ?? [];
  const conditions = [
    // The ids first: as a condition over the join, each server would be joined before it is looked at.
    search !== "" &&
      sql` and s.id in (
        select id from servers where organization_id = ${organizationId} and search_text like ${containsSql(ctx, search)}
        union all select server_id from agent_sessions where address collate "C" like ${containsSql(ctx, search)})`,
    // Its third line; lower() of each name would cost five times as much.
    os !== "" && sql` and s.search_text like ${containsSql(ctx, os, "%\n%\n%")}`,
    state !== undefined && sql` and ${stateSql(sql)} = any(${arrayLiteral(state)}::text[])`,
    group !== undefined &&
      sql` and (s.group_id = any(${arrayLiteral(groupIds)}::uuid[])${group.includes("none") ? sql` or s.group_id is null` : sql``})`,
    monitorOnly !== undefined && sql` and s.monitor_only = ${monitorOnly}`,
    ...tag.map((any) => sql` and s.tags && ${arrayLiteral(any)}::text[]`),
  ];
  return conditions.reduce((all, condition) => (condition === false ? all : sql`${all}${condition}`), sql``);
}
