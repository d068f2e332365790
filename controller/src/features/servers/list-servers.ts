import type { serverListQuery, Server } from "@devflow/api";
import { AppError } from "@devflow/errors";
import type { z } from "zod";
import type { Principal } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";
import { type Page, readCursor, writeCursor } from "../../platform/http/cursor.ts";
import { filterSql } from "./filter-sql.ts";
import { columnsSql, fromSql, type ServerRow, stateSql, toServer } from "./server-rows.ts";
import { type Reach, serverReach, withinReachSql } from "./within-reach.ts";

type Input = z.output<typeof serverListQuery>;

/**
 * Servers within the principal's reach with state and newest values, 50 a page by default, by name unless sorted otherwise.
 * Servers without a value come last either way. Throws AppError invalid for a cursor of another list or order.
 */
export async function listServers({ ctx, principal, input }: { ctx: Context; principal: Principal; input: Input }): Promise<Page<Server>> {
  const { sql } = ctx;
  const sort = input.sort ?? "name";
  const descending = sort.startsWith("-");
  const by = sort.replace("-", "");
  const text = by === "name" || by === "state";
  const limit = input.limit ?? 50;
  const missing = descending ? sql`'-infinity'::float8` : sql`'infinity'::float8`;
  const sortSql =
    by === "name"
      ? sql`lower(s.name)`
      : by === "state"
        ? sql`array_position(array['quarantined','offline','pending','online','revoked'], ${stateSql(sql)})::text`
        : by === "cpu"
          ? sql`coalesce(l.cpu_percent::float8, ${missing})`
          : by === "memory"
            ? sql`coalesce(l.memory_used_bytes::float8 / nullif(l.memory_total_bytes, 0), ${missing})`
            : sql`coalesce(l.disk_used_percent::float8, ${missing})`;
  // Infinity has no JSON, so the sort value travels as text.
  const after = readCursor(input.cursor, ["string", "string", "string"]);
  const valid =
    after === null ||
    (after[0] === sort && /^[0-9a-f-]{36}$/.test(after[2]) && (text || /^-?(\d+(\.\d+)?(e[+-]?\d+)?|infinity)$/i.test(after[1])));
  if (!valid) throw new AppError("invalid", "cursor: expected the nextCursor of an earlier answer to the same list in the same order");
  const than = descending ? sql`<` : sql`>`;
  const direction = descending ? sql`desc` : sql`asc`;
  // The page is chosen by its sort values alone; all other columns are then read for its rows only.
  const rows = await sql<(ServerRow & { sortValue: string })[]>`
    with page as (
      select s.id, ${sortSql} as sort_value
      ${fromSql(sql)}
      where s.organization_id = ${principal.organizationId} ${withinReachSql(ctx, serverReach(principal))}
        ${filterSql(ctx, principal.organizationId, input)}
        ${after === null ? sql`` : sql`and (${sortSql}, s.id) ${than} (${text ? sql`${after[1]}::text` : sql`${after[1]}::text::float8`}, ${after[2]}::uuid)`}
      order by ${sortSql} ${direction}, s.id ${direction}
      limit ${limit + 1}
    )
    select ${columnsSql(sql)}, page.sort_value::text as "sortValue"
    ${fromSql(sql)} join page on page.id = s.id
    order by page.sort_value ${direction}, s.id ${direction}`;
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    items: page.map(toServer),
    nextCursor: rows.length > limit && last !== undefined ? writeCursor([sort, last.sortValue, last.id]) : null,
  };
}

/** Servers by id, within one organisation and reach; in no order. */
export async function serversById(ctx: Context, organizationId: string, reach: Reach, ids: readonly string[]): Promise<Server[]> {
  if (ids.length === 0) return [];
  const { sql } = ctx;
  const rows = await sql<ServerRow[]>`
    select ${columnsSql(sql)} ${fromSql(sql)}
    where s.organization_id = ${organizationId} and s.id = any(string_to_array(${ids.join(",")}, ',')::uuid[]) ${withinReachSql(ctx, reach)}`;
  return rows.map(toServer);
}
