import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../../state/write-atomic.ts";

/** spool.json beside the segments. Losing it costs resends, which change nothing at the other end. */
export interface SpoolState {
  /** UUID; sequences belong to it. */
  readonly spoolId: string;
  /** No sequence up to this one is given out again after a restart, whether or not it reached the disk. */
  readonly reservedThrough: number;
  /** Sequences up to this one that are not in `pending` are settled. */
  readonly knownThrough: number;
  /** [first, last] of what waits. */
  readonly pending: readonly (readonly [number, number])[];
  /** Batches dropped since the spool was made. */
  readonly dropped: number;
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** A damaged or missing file begins a new spool id: its sequences can collide with nothing. Throws on I/O errors. */
export async function readSpoolState(dir: string): Promise<SpoolState> {
  const fresh: SpoolState = { spoolId: randomUUID(), reservedThrough: 0, knownThrough: 0, pending: [], dropped: 0 };
  let text: string;
  try {
    text = await readFile(join(dir, "spool.json"), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return fresh;
    throw error;
  }
  try {
    const state = JSON.parse(text) as SpoolState;
    const good =
      /^[0-9a-f-]{36}$/.test(state.spoolId) &&
      [state.reservedThrough, state.knownThrough, state.dropped].every(isCount) &&
      state.pending.every(([first, last]) => isCount(first) && isCount(last) && first <= last);
    return good ? state : fresh;
  } catch {
    return fresh; // not JSON: torn by a power cut
  }
}

export const writeSpoolState = (dir: string, state: SpoolState, sync: boolean): Promise<void> =>
  writeFileAtomic(join(dir, "spool.json"), JSON.stringify(state), { sync });
