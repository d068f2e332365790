import { families } from "@devflow/catalogue";
import type { Sql } from "../../../platform/db/index.ts";
import { type Period, periodOfLabel, periodsBetween } from "./periods.ts";
import { tablesOf } from "./tables.ts";
import { type Retention, retentionDays, type Tier } from "./tiers.ts";

/** What runs a statement: a client or a transaction. */
export type Runner = Pick<Sql, "unsafe">;

const allTables = families.flatMap(tablesOf);

/**
 * Makes the partitions of plain PostgreSQL that are missing between two moments. Attached rather than made in place,
 * since that takes a lock which lets reads and writes go on.
 */
export async function ensurePartitions(run: Runner, from: Date, to: Date): Promise<number> {
  const present = await partitionNames(run);
  const statements = allTables.flatMap(({ table, tier }) =>
    periodsBetween(tier, from, to)
      .filter((period) => !present.has(`${table}_${period.label}`))
      .flatMap((period) => makePartition(table, period)),
  );
  if (statements.length > 0) await run.unsafe(statements.join(";\n")).simple();
  return statements.length / 2;
}

const makePartition = (table: string, { label, from, to }: Period): string[] => [
  `create table ${table}_${label} (like ${table} including defaults including indexes)`,
  `alter table ${table} attach partition ${table}_${label} for values from ('${from.toISOString()}') to ('${to.toISOString()}')`,
];

async function partitionNames(run: Runner): Promise<Set<string>> {
  const rows = await run.unsafe<{ name: string }[]>(
    `select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_class p on p.oid = i.inhparent
     where p.relname = any($1::text[]) and p.relnamespace = current_schema()::regnamespace`,
    [allTables.map(({ table }) => table)] as never,
  );
  return new Set(rows.map((row) => row.name));
}

/**
 * Drops partitions that have wholly passed their retention. Detached concurrently first, which waits for queries under
 * way instead of making them wait. Not inside a transaction.
 * @returns names of the partitions that were dropped
 */
export async function dropExpiredPartitions(sql: Sql, retention: Retention, nowMs: number): Promise<string[]> {
  const dropped: string[] = [];
  const rows = await sql<{ name: string; parent: string; pending: boolean }[]>`
    select c.relname as name, p.relname as parent, i.inhdetachpending as pending
    from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_class p on p.oid = i.inhparent
    where p.relname = any(${allTables.map(({ table }) => table)}) and p.relnamespace = current_schema()::regnamespace`;
  for (const { name, parent, pending } of rows) {
    const tier = allTables.find(({ table }) => table === parent)?.tier as Tier;
    const period = periodOfLabel(tier, name.slice(parent.length + 1));
    if (period === null || period.to.getTime() > nowMs - retentionDays(retention, tier) * 86_400_000) continue;
    // "finalize" goes on with a detachment that was cut short.
    await sql.unsafe(`alter table ${parent} detach partition ${name} ${pending ? "finalize" : "concurrently"}`);
    await sql.unsafe(`drop table ${name}`);
    dropped.push(name);
  }
  return dropped;
}
