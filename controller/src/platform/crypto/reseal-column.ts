import type postgres from "postgres";
import type { Sql } from "../db/index.ts";
import type { SealedColumn } from "./sealed-columns.ts";

/** A row whose secret could not be opened, and stays as it is. */
export interface Unopened {
  readonly table: string;
  readonly column: string;
  /** Its key columns' values, for people. */
  readonly row: string;
}

/** A piece of SQL. */
type Fragment = postgres.PendingQuery<postgres.Row[]>;

interface Row {
  readonly organizationId: string | null;
  readonly purpose: string;
  readonly sealed: Buffer;
}

interface Batch {
  readonly resealed: number;
  /** Rows that were looked at; none: the column is done. */
  readonly rows: number;
}

/** The column as bytes, whatever it is stored as. */
const bytesOf = (sql: Sql, { column, stored }: SealedColumn) =>
  stored === "base64-json" ? sql`decode(t.${sql(column)} #>> '{}', 'base64')` : sql`t.${sql(column)}`;

/**
 * Seals up to `limit` rows of a column again, in the caller's transaction; the rows are locked until its end.
 * @param isDue condition over the table `t` (and whatever `join` adds): which rows are still to be sealed again
 * @param unopened gets rows that `reseal` throws for; rows in it are left out
 */
export async function resealBatch(
  tx: Sql,
  column: SealedColumn,
  input: {
    readonly join: Fragment;
    readonly isDue: (bytes: Fragment) => Fragment;
    readonly limit: number;
    readonly reseal: (row: Row) => Promise<Buffer>;
    readonly unopened: Map<string, Unopened>;
  },
): Promise<Batch> {
  const { table, key, by, purpose, stored } = column;
  const bytes = bytesOf(tx, column);
  const keyText = tx`jsonb_build_array(${tx.unsafe(key.map((name) => `t."${name}"::text`).join(", "))})`;
  const left = [...input.unopened.values()].filter((row) => row.table === table && row.column === column.column).map(({ row }) => row);
  const organization = by === "organization" ? tx`t.organization_id` : tx`null::uuid`;
  const rows = await tx<{ ctid: string; organizationId: string | null; key: string; sealed: Buffer }[]>`
    select t.ctid::text as ctid, ${organization} as "organizationId", ${keyText}::text as key, ${bytes} as sealed
    from ${tx(table)} t ${input.join}
    where t.${tx(column.column)} is not null and ${input.isDue(bytes)} and not (${keyText}::text = any(${left}::text[]))
    limit ${input.limit} for update of t`;
  let resealed = 0;
  for (const row of rows) {
    const name = purpose(...(JSON.parse(row.key) as string[]));
    let sealed: Buffer;
    try {
      sealed = await input.reseal({ organizationId: row.organizationId, purpose: name, sealed: row.sealed });
    } catch {
      // Nobody can open it, with or without a rotation; it must not keep the others from being sealed again.
      input.unopened.set(`${table}.${column.column} ${row.key}`, { table, column: column.column, row: row.key });
      continue;
    }
    const value = stored === "base64-json" ? tx`to_jsonb(${sealed.toString("base64")}::text)` : tx`${sealed}`;
    await tx`update ${tx(table)} set ${tx(column.column)} = ${value} where ctid = ${row.ctid}::tid`;
    resealed += 1;
  }
  return { resealed, rows: rows.length };
}
