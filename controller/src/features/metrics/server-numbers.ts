import type { Context } from "../../platform/context.ts";

/** server_no of those of these servers that belong to the organisation, by id. The only way from an id to metric rows. */
export async function serverNumbers(
  ctx: Pick<Context, "sql">,
  organizationId: string,
  ids: readonly string[],
): Promise<Map<string, number>> {
  const rows = await ctx.sql<{ id: string; serverNo: number }[]>`
    select id, server_no as "serverNo" from servers
    where organization_id = ${organizationId} and id = any(string_to_array(${ids.join(",")}, ',')::uuid[])`;
  return new Map(rows.map(({ id, serverNo }) => [id, serverNo]));
}
