import { CellWriter, columnsOf, type Family, familyByName } from "@devflow/catalogue";
import { create } from "@bufbuild/protobuf";
import { type Batch, BatchSchema, type FamilyRows, FamilyRowsSchema } from "@devflow/proto/metrics/v1/metrics";

/** Rows of one family: by instance, each value by column name (stored units); columns left out are not measured. */
export function familyRows(name: string, rows: Record<string, Record<string, number>>, columns?: number): FamilyRows {
  const family = familyByName(name) as Family;
  const all = columnsOf(family).slice(0, columns);
  const writer = new CellWriter();
  for (const values of Object.values(rows)) for (const column of all) writer.write(values[column.name] ?? null);
  return create(FamilyRowsSchema, { family: family.id, columns: all.length, instances: Object.keys(rows), cells: writer.take() });
}

/** A batch with one host row unless other families are given. */
export const batchOf = (
  sequence: number,
  timeS: number,
  rows: FamilyRows[] = [familyRows("host", { "": { cpu_busy: 1234, memory_used: 5_000_000 } })],
): Batch => create(BatchSchema, { sequence: BigInt(sequence), timeS: BigInt(timeS), bootId: "b", samples: 10, families: rows });
