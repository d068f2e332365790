import { createPublicKey, type KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** Reads the pinned task-signing key; null when there is none. */
export async function readTaskKey(stateDir: string): Promise<KeyObject | null> {
  const pem = await readFile(join(stateDir, "task-signing.pub"), "utf8").catch(() => null);
  try {
    return pem === null ? null : createPublicKey(pem);
  } catch {
    return null; // damaged: whoever asks tells it like a missing one
  }
}
