import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "@devflow/errors";
import { checkpointsFile } from "../../state/credentials.ts";
import { writeFileAtomic } from "../../state/write-atomic.ts";
import { fromLine, type KeptCheckpoint } from "./checkpoint.ts";

/** Far above what 450 lines take: a file that is longer is not one of ours. */
const maxBytes = 1024 * 1024;

export interface CheckpointFile {
  /** Ascending by sequence. */
  readonly kept: KeptCheckpoint[];
  /** Lines that are none. */
  readonly damaged: number;
}

/** Reads `audit-checkpoints.ndjson`; empty when it does not exist. Throws AppError internal when it cannot be read. */
export async function readCheckpointFile(stateDir: string): Promise<CheckpointFile> {
  const path = join(stateDir, checkpointsFile);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT") return { kept: [], damaged: 0 };
    throw new AppError("internal", `${path} cannot be read: ${message}`, { cause });
  }
  if (text.length > maxBytes) throw new AppError("internal", `${path} is longer than 1 MiB, so it is not this agent's; move it away`);
  const lines = text.split("\n").filter((line) => line !== "");
  const kept = lines.map(fromLine).filter((line) => line !== null);
  return { kept: kept.toSorted((a, b) => a.sequence - b.sequence), damaged: lines.length - kept.length };
}

/** Writes all of them, whole or not at all, and waits for the disk. */
export const writeCheckpointFile = (stateDir: string, kept: readonly KeptCheckpoint[]): Promise<void> =>
  writeFileAtomic(join(stateDir, checkpointsFile), kept.map((line) => `${JSON.stringify(line)}\n`).join(""), { sync: true });
