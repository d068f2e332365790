import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Writable } from "node:stream";
import { finished } from "node:stream/promises";
import { columnsOf, readCells } from "@devflow/catalogue";
import { CopyBuffer } from "../controller/src/features/metrics/copy-buffer.ts";
import { encodeRows } from "../controller/src/features/metrics/encode-rows.ts";
import { rowShapes, type RowShape } from "../controller/src/features/metrics/row-shape.ts";
import { createClient } from "../controller/src/platform/db/index.ts";
import { startEmbedded } from "../controller/src/platform/db/embedded/index.ts";
import { createLog } from "../controller/src/platform/log/index.ts";
import { createWalk } from "./_synthetic.ts";

const rows = 5000;
const rounds = 20;

/** COPY of 5,000 host rows in text and in binary format: making the bytes, and writing them to PostgreSQL. Milliseconds, medians. */
export async function run(): Promise<object> {
  const dataDir = mkdtempSync(join(tmpdir(), "devflow-bench-"));
  const server = await startEmbedded({ dataDir, log: createLog("error") });
  const sql = createClient({ socketFolder: server.socketFolder, database: "devflow" }, { max: 1 });
  try {
    const shape = rowShapes[0] as RowShape;
    const columns = columnsOf(shape.family);
    const names = ["server_no", "instance_no", "time", "samples", ...columns.map((c) => c.name)].map((n) => `"${n}"`).join(", ");
    await sql.unsafe(
      `create table copied (server_no int, instance_no int, time timestamptz, samples smallint, ${columns.map((c) => `"${c.name}" ${c.measure.type}`).join(", ")}, primary key (server_no, instance_no, time))`,
    );
    const walk = createWalk(1);
    const batches = Array.from({ length: rows }, (_, i) => walk(i + 1, 1_800_000_000 + i * 10));
    const out = new CopyBuffer();
    const cells = new Float64Array(columns.length);
    const makers = {
      binary(): Buffer {
        out.clear();
        for (const batch of batches)
          encodeRows(
            batch.families[0] as NonNullable<(typeof batch.families)[0]>,
            shape,
            { serverNo: 1, timeS: Number(batch.timeS), samples: 10 },
            Int32Array.of(0),
            out,
            null,
          );
        return out.finished();
      },
      text(): Buffer {
        let text = "";
        for (const batch of batches) {
          readCells(batch.families[0]?.cells as Uint8Array, cells);
          text += `1\t0\t${new Date(Number(batch.timeS) * 1000).toISOString()}\t10`;
          for (const value of cells) text += Number.isNaN(value) ? "\t\\N" : `\t${value}`;
          text += "\n";
        }
        return Buffer.from(text);
      },
    };
    const figures: Record<string, number> = {};
    const times: Record<string, number[]> = { textMake: [], textWrite: [], binaryMake: [], binaryWrite: [] };
    for (let round = 0; round < rounds; round++) {
      for (const format of ["text", "binary"] as const) {
        const begun = performance.now();
        const bytes = makers[format]();
        const made = performance.now();
        const stream: Writable = await sql`copy copied (${sql.unsafe(names)}) from stdin (format ${sql.unsafe(format)})`.writable();
        stream.end(bytes);
        await finished(stream);
        const written = performance.now();
        times[`${format}Make`]?.push(made - begun);
        times[`${format}Write`]?.push(written - made);
        figures[`${format}Bytes`] = bytes.length;
        await sql`truncate copied`;
      }
    }
    for (const [name, list] of Object.entries(times))
      figures[`${name}Ms`] = Math.round((list.toSorted((a, b) => a - b)[rounds / 2] as number) * 10) / 10;
    return figures;
  } finally {
    await sql.end();
    await server.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}
