import { CellWriter, columnsOf, families, type Family } from "@devflow/catalogue";
import { create } from "@bufbuild/protobuf";
import { type Batch, BatchSchema, FamilyRowsSchema, PushRequestSchema } from "@devflow/proto/metrics/v1/metrics";
import { toBinary } from "@bufbuild/protobuf";
import { framed } from "./_swarm.ts";

/** Instances of a modest server: 4 threads, 3 file systems, 2 disks, 2 interfaces. */
const instances: Record<Family["instance"], readonly string[]> = {
  host: [""],
  core: ["0", "1", "2", "3"],
  mount: ["/", "/boot", "/srv"],
  device: ["sda", "sdb"],
  interface: ["eth0", "eth1"],
};

/** Measured values in one batch (a mean with its maximum is one value) and its rows. */
export const valuesPerBatch = families.reduce((n, f) => n + f.measures.length * instances[f.instance].length, 0);
export const rowsPerBatch = families.reduce((n, f) => n + instances[f.instance].length, 0);

/** Stored values that walk about like real ones: some are still, most move a little, a few jump. */
export function createWalk(seed: number): (sequence: number, timeS: number) => Batch {
  let state = seed * 2654435761 + 1;
  const random = (): number => {
    state = (Math.imul(state ^ (state >>> 15), 2246822507) + 0x9e3779b9) | 0;
    return (state >>> 0) / 2 ** 32;
  };
  const writer = new CellWriter();
  const rows = families.map((family) => {
    const columns = columnsOf(family);
    return {
      family: family.id,
      columns,
      names: instances[family.instance],
      values: instances[family.instance].map(() =>
        columns.map(({ measure }) =>
          Math.floor(random() * (measure.type === "bigint" ? 2 ** 24 : measure.unit === "percent" ? 9000 : 100_000)),
        ),
      ),
    };
  });
  return (sequence, timeS) =>
    create(BatchSchema, {
      sequence: BigInt(sequence),
      timeS: BigInt(timeS),
      bootId: "00000000-0000-0000-0000-000000000000",
      monotonicMs: BigInt(sequence * 10_000),
      samples: 10,
      backfill: true,
      families: rows.map(({ family, columns, names, values }) => {
        for (const row of values) {
          for (let i = 0; i < row.length; i++) {
            const before = row[i] as number;
            const limit = columns[i]?.measure.unit === "percent" ? 10_000 : 2 ** 30;
            row[i] = Math.min(limit, Math.max(0, Math.floor(before + (random() - 0.5) * Math.max(4, before * 0.1))));
            writer.write(row[i] as number);
          }
        }
        return create(FamilyRowsSchema, { family, columns: columns.length, instances: [...names], cells: writer.take() });
      }),
    });
}

/** A framed PushRequest. */
export const pushFrame = (spoolId: string, batches: Batch[]): Buffer =>
  framed(toBinary(PushRequestSchema, create(PushRequestSchema, { spoolId, batches })));
