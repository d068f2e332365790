import type { Principal } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";
import { serverReach, withinReachSql } from "../servers/index.ts";

/** server_no of those of these servers that the principal may see, by id. The only way from an id to metric rows. */
export async function serverNumbers(ctx: Pick<Context, "sql">, principal: Principal, ids: readonly string[]): Promise<Map<string, number>> {
  const rows = await ctx.sql<{ id: string; serverNo: number }[]>`
    select s.id, s.server_no as "serverNo" from servers s
    where s.organization_id = ${principal.organizationId} and s.id = any(string_to_array(${ids.join(",")}, ',')::uuid[])
      ${withinReachSql(ctx, serverReach(principal))}`;
  return new Map(rows.map(({ id, serverNo }) => [id, serverNo]));
}
