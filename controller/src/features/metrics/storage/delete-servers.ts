import { families } from "@devflow/catalogue";
import type { Sql } from "../../../platform/db/index.ts";
import { tablesOf } from "./tables.ts";

/** Servers whose rows go in one statement; none holds its locks for long then. */
const atOnce = 20;

/**
 * Deletes every metric row of servers, of all families and resolutions. For servers that send nothing any more.
 * Harmless when repeated; what an interruption leaves goes with the next call. Returns how many rows went.
 */
export async function deleteMetricsOf({ sql, serverNos }: { sql: Sql; serverNos: readonly number[] }): Promise<number> {
  const tables = [...families.flatMap(tablesOf).map(({ table }) => table), "metric_late", "metric_instances", "server_latest"];
  let rows = 0;
  for (let i = 0; i < serverNos.length; i += atOnce) {
    const some = serverNos.slice(i, i + atOnce).join(",");
    for (const table of tables)
      rows += (await sql`delete from ${sql(table)} where server_no = any(string_to_array(${some}, ',')::int[])`).count;
  }
  return rows;
}
