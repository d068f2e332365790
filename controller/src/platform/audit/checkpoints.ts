import { createPublicKey, verify } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { z } from "zod";
import type { Config } from "../../config.ts";
import type { TaskSigningKey } from "../crypto/index.ts";
import type { ChainEnd } from "./chain.ts";

/** An end that a chain had at some time, signed, so that a tail that is cut off later shows. */
export interface Checkpoint extends ChainEnd {
  /** RFC 3339. */
  readonly at: string;
  /** Ed25519 by the task-signing key over checkpointBytes(), base64. */
  readonly signature: string;
}

const line = z.object({ organizationId: z.string(), sequence: z.number(), hash: z.string(), at: z.string(), signature: z.string() });

/** Outside of the database: whoever edits that does not reach it. */
export const checkpointFile = (config: Pick<Config, "dataDir">): string => join(config.dataDir, "audit/checkpoints.ndjson");

/** Begins like no task does, so that neither can be taken for the other. */
const checkpointBytes = ({ organizationId, sequence, hash, at }: Omit<Checkpoint, "signature">): Buffer =>
  Buffer.from(`devflow audit checkpoint 1\n${organizationId}\n${sequence}\n${hash}\n${at}\n`);

export function signCheckpoint(key: TaskSigningKey, end: ChainEnd, at: Date): Checkpoint {
  const unsigned = { ...end, at: at.toISOString() };
  return { ...unsigned, signature: key.sign(checkpointBytes(unsigned)).toString("base64") };
}

/** @param publicSpki the task-signing key's public half */
export function isSigned(publicSpki: Buffer, checkpoint: Checkpoint): boolean {
  const key = createPublicKey({ key: publicSpki, format: "der", type: "spki" });
  return verify(null, checkpointBytes(checkpoint), key, Buffer.from(checkpoint.signature, "base64"));
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
      const parsed = line.safeParse(parse(text));
      if (parsed.success && parsed.data.organizationId === organizationId) found.push(parsed.data);
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
