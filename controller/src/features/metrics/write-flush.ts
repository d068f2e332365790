import type { Writable } from "node:stream";
import type postgres from "postgres";
import { type Sql, sqlState } from "../../platform/db/index.ts";
import type { OpenFlush } from "./open-flush.ts";
import { rowShapes } from "./row-shape.ts";
import { noteRows } from "./storage/index.ts";
import { upsertLatest } from "./upsert-latest.ts";

/** Whether rows went in by plain COPY or, since some were there already, through staging tables. */
export type WriteResult = "copied" | "replayed";

/**
 * Writes a flush in one transaction; after it returns, the rows are durable.
 * COPY knows no conflict clause, so rows that are there already (a batch whose acknowledgement was lost) fail the
 * first try; the second goes through staging tables with "on conflict do nothing".
 * Throws what the database says when neither works.
 */
export async function writeFlush(sql: Sql, flush: OpenFlush): Promise<WriteResult> {
  const filled = rowShapes.filter((shape) => flush.buffers[shape.index]?.isEmpty === false);
  const finish = async (tx: postgres.TransactionSql): Promise<void> => {
    // Sent together, answered in order; they are also what makes the failure of the last COPY show: see copyInto.
    await Promise.all([upsertLatest(tx, [...flush.latest.values()]), noteRows(tx, flush.serverNos, flush.times)]);
  };
  try {
    await sql.begin(async (tx) => {
      for (const shape of filled)
        await copyInto(tx, shape.copySql(shape.table), (flush.buffers[shape.index] as OpenFlush["buffers"][number]).finished());
      await finish(tx);
    });
    return "copied";
  } catch (error) {
    // The transaction is aborted by a failed COPY whose reason postgres.js lost, or says so itself.
    if (!["25P02", "23505"].includes(sqlState(error) ?? "")) throw error;
  }
  await sql.begin(async (tx) => {
    for (const shape of filled) {
      const staging = `staging_${shape.family.name}`;
      await tx.unsafe(`create temporary table ${staging} (like ${shape.table}) on commit drop`);
      await copyInto(tx, shape.copySql(staging), (flush.buffers[shape.index] as OpenFlush["buffers"][number]).finished());
      await tx.unsafe(`insert into ${shape.table} select * from ${staging} on conflict do nothing`);
    }
    await finish(tx);
  });
  return "replayed";
}

/**
 * One COPY. postgres.js 3.4 has three traps here. An error that comes after the last byte is not reported (its promise
 * is settled, its stream detached, "finish" never comes): so nothing waits for "finish", and the next statement of the
 * transaction fails with 25P02; a transaction must not end with a COPY. A finished stream destroys itself and sends
 * CopyFail then, which would hit the next COPY: so destroy() only reports here. An error in mid-stream comes that way.
 */
async function copyInto(tx: postgres.TransactionSql, statement: string, bytes: Buffer): Promise<void> {
  const stream: Writable = await tx.unsafe(statement).simple().writable();
  await new Promise<void>((resolve, reject) => {
    stream.on("error", reject);
    stream.destroy = (error) => {
      if (error) reject(error);
      return stream;
    };
    stream.write(bytes, (error) => {
      if (error) return reject(error);
      // Here nothing is left to write, so that end() sends CopyDone before it returns.
      stream.end();
      resolve();
    });
  });
}
