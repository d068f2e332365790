import { families } from "@devflow/catalogue";
import { AppError } from "@devflow/errors";
import type { Installation } from "../../../platform/db/index.ts";
import { schemaLock, type Sql } from "../../../platform/db/index.ts";
import { ensurePartitions } from "./partitions.ts";
import { createRollUpState, initializeRollUpState } from "./roll-up-state.ts";
import { addMissingColumns, createTable, tableOf, tablesOf } from "./tables.ts";
import { compressAfterHours, environmentNames, lateHours, type Retention, retentionProblems, tiers } from "./tiers.ts";
import { createView } from "./views.ts";

export { noteRows } from "./roll-up-state.ts";

/** Partitions of plain PostgreSQL are made this many days ahead. */
const daysAhead = 3;

/** How to prepare the metric tables. */
export interface PrepareStorage {
  readonly sql: Sql;
  readonly storageEngine: Installation["storageEngine"];
  readonly retention: Retention;
  readonly nowMs: number;
}

/**
 * Makes what is missing of the metric tables, for the engine of this installation: tables, columns of measures that
 * were appended to the catalogue, partitions or hypertables, views. Harmless when repeated, and when several
 * controllers do it at once. Throws AppError precondition_failed when the retention settings break the rule of late rows.
 */
export async function prepareStorage({ sql, storageEngine, retention, nowMs }: PrepareStorage): Promise<void> {
  const problems = retentionProblems(retention, environmentNames).map(({ message }) => message);
  if (problems.length > 0) throw new AppError("precondition_failed", `Settings are wrong:\n${problems.map((p) => `  ${p}`).join("\n")}`);
  await sql.begin(async (tx) => {
    await tx.unsafe(`select pg_advisory_xact_lock(${schemaLock})`);
    await tx.unsafe("set local client_min_messages = warning");
    await tx.unsafe(createRollUpState).simple();
    await tx.unsafe(initializeRollUpState(nowMs - (lateHours + 1) * 3_600_000));
    const present = await presentColumns(tx);
    let changed = false;
    for (const family of families) {
      for (const { table, tier } of tablesOf(family)) {
        const columns = present.get(table);
        if (columns === undefined) {
          await tx
            .unsafe(
              storageEngine === "plain"
                ? createTable(family, tier, "partition by range (time)")
                : `${createTable(family, tier)};\n${asHypertable(table, tier)}`,
            )
            .simple();
        }
        const add = columns === undefined ? null : addMissingColumns(family, tier, columns);
        if (add !== null) await tx.unsafe(add);
        changed ||= columns === undefined || add !== null;
      }
      if (changed || !present.has(`metrics_${family.name}_10s`))
        for (const tier of tiers) await tx.unsafe(createView(family, tier)).simple();
    }
    if (storageEngine === "plain")
      await ensurePartitions(tx, new Date(nowMs - lateHours * 3_600_000), new Date(nowMs + daysAhead * 86_400_000));
  });
}

/** Keeps partitions made ahead of time; hypertables make their own chunks. */
export async function makePartitionsAhead(sql: Sql, nowMs: number): Promise<void> {
  await sql.begin(async (tx) => {
    await tx.unsafe(`select pg_advisory_xact_lock(${schemaLock})`);
    await ensurePartitions(tx, new Date(nowMs - lateHours * 3_600_000), new Date(nowMs + daysAhead * 86_400_000));
  });
}

const asHypertable = (table: string, tier: string): string => `
select create_hypertable('${table}', by_range('time', interval '${tier === "1h" ? "30 days" : "1 day"}'), create_default_indexes => false);
alter table ${table} set (timescaledb.compress, timescaledb.compress_segmentby = 'server_no, instance_no', timescaledb.compress_orderby = 'time');
select add_compression_policy('${table}', compress_after => interval '${compressAfterHours} hours')`;

/** Columns of the metric tables and views that exist. */
async function presentColumns(tx: Pick<Sql, "unsafe">): Promise<Map<string, Set<string>>> {
  const names = families.flatMap((family) => [...tiers.map((tier) => tableOf(family, tier)), `metrics_${family.name}_10s`]);
  const rows = await tx.unsafe<{ table: string; column: string }[]>(
    "select table_name as table, column_name as column from information_schema.columns where table_schema = current_schema() and table_name = any($1::text[])",
    [names] as never,
  );
  const found = new Map<string, Set<string>>();
  for (const { table, column } of rows) found.set(table, (found.get(table) ?? new Set()).add(column));
  return found;
}
