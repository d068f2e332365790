import { families } from "@devflow/catalogue";
import type { Installation } from "../../../platform/db/index.ts";
import type { Sql } from "../../../platform/db/index.ts";
import { dropExpiredPartitions } from "./partitions.ts";
import { tablesOf } from "./tables.ts";
import { type Retention, retentionDays } from "./tiers.ts";

/**
 * Drops whole partitions or chunks that have passed their retention; queries under way are not held up.
 * @returns names of what was dropped
 */
export async function dropExpired({
  sql,
  storageEngine,
  retention,
  nowMs,
}: {
  sql: Sql;
  storageEngine: Installation["storageEngine"];
  retention: Retention;
  nowMs: number;
}): Promise<string[]> {
  if (storageEngine === "plain") return dropExpiredPartitions(sql, retention, nowMs);
  const dropped: string[] = [];
  for (const { table, tier } of families.flatMap(tablesOf)) {
    const before = new Date(nowMs - retentionDays(retention, tier) * 86_400_000);
    const rows = await sql<{ name: string }[]>`select drop_chunks(${table}::text::regclass, older_than => ${before}) as name`;
    dropped.push(...rows.map((row) => row.name));
  }
  return dropped;
}
