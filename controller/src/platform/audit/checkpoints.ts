import { createPublicKey, verify } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { type Checkpoint, checkpointBytes } from "@devflow/rpc/audit-checkpoint";
import { z } from "zod";
import type { Config } from "../../config.ts";
import type { TaskSigningKey } from "../crypto/index.ts";
import type { Sql } from "../db/index.ts";
import type { ChainEnd } from "./chain.ts";

export type { Checkpoint } from "@devflow/rpc/audit-checkpoint";

/** A line of the file, and of what `devflow-agent audit-checkpoints` prints. */
const line = z.object({ organizationId: z.string(), sequence: z.number(), hash: z.string(), at: z.string(), signature: z.string() });

/** Outside of the database: whoever edits that does not reach it. */
export const checkpointFile = (config: Pick<Config, "dataDir">): string => join(config.dataDir, "audit/checkpoints.ndjson");

/** SQL of a Checkpoint's columns. */
export const checkpointColumns = (sql: Sql) => sql`
  organization_id as "organizationId", sequence, hash, ${signedAt(sql)} as at, signature`;

/** A column `at` as it is signed. */
export const signedAt = (sql: Sql) => sql`to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

export function signCheckpoint(key: TaskSigningKey, end: ChainEnd, at: Date): Checkpoint {
  const unsigned = { ...end, at: at.toISOString() };
  return { ...unsigned, signature: key.sign(checkpointBytes(unsigned)).toString("base64") };
}

/** @param publicSpki the task-signing key's public half */
export function isSigned(publicSpki: Buffer, checkpoint: Checkpoint): boolean {
  return isSignedBy(publicSpki, checkpointBytes(checkpoint), checkpoint.signature);
}

/** @param signature base64 */
export const isSignedBy = (publicSpki: Buffer, bytes: Buffer, signature: string): boolean =>
  verify(null, bytes, createPublicKey({ key: publicSpki, format: "der", type: "spki" }), Buffer.from(signature, "base64"));

/** Reads one line; null when it is none. */
export function readCheckpoint(text: string): Checkpoint | null {
  const parsed = line.safeParse(parse(text));
  return parsed.success ? parsed.data : null;
}

/** Appends to the file and waits for the disk. */
export async function appendCheckpoints(config: Pick<Config, "dataDir">, checkpoints: readonly Checkpoint[]): Promise<void> {
  const path = checkpointFile(config);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const file = await open(path, "a", 0o600);
  try {
    await file.appendFile(checkpoints.map((checkpoint) => `${JSON.stringify(checkpoint)}\n`).join(""));
    await file.sync();
  } finally {
    await file.close();
  }
}

const kept = 20_000;

/** An organisation's newest checkpoints of the file, at most 20,000; null when there is no file on this machine. */
export async function readCheckpoints(config: Pick<Config, "dataDir">, organizationId: string): Promise<Checkpoint[] | null> {
  const found: Checkpoint[] = [];
  const file = createReadStream(checkpointFile(config));
  try {
    for await (const text of createInterface({ input: file, crlfDelay: Infinity })) {
      if (!text.includes(organizationId)) continue;
      const checkpoint = readCheckpoint(text);
      if (checkpoint?.organizationId === organizationId) found.push(checkpoint);
      if (found.length > kept) found.shift();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  return found;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // a last line that was cut by a power failure
  }
}
