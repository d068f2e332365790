import { mkdir, open, readFile, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../state/write-atomic.ts";
import { encodeRecord, scanJournal, type JournalRecord, type RunOutcome, type RunProcess } from "./journal-record.ts";

/** What the journal knows of a run. */
export interface JournalledRun {
  readonly runId: string;
  readonly type: string;
  readonly expiresMs: number;
  started: boolean;
  process: RunProcess | null;
  outcome: RunOutcome | null;
  stored: boolean;
}

/** A run is kept for so long after its envelope expired: a replay of it finds its outcome, and later is refused by its time. */
const KEEP_MS = 24 * 3_600_000;
const COMPACT_BYTES = 1024 * 1024;

/**
 * What an executor accepted, started and ended, on disk before it is acted upon: so that a run starts at most once,
 * whatever is killed when. One writer; calls may overlap.
 */
export class Journal {
  readonly #path: string;
  readonly #runs: Map<string, JournalledRun>;
  #file: FileHandle;
  #bytes: number;
  #floorMs: number;
  /** Writes one after the other. */
  #writing: Promise<unknown> = Promise.resolve();

  private constructor(path: string, file: FileHandle, bytes: number, runs: Map<string, JournalledRun>, floorMs: number) {
    this.#path = path;
    this.#file = file;
    this.#bytes = bytes;
    this.#runs = runs;
    this.#floorMs = floorMs;
  }

  /**
   * Opens `<dir>/journal`, makes it when missing, cuts a torn end, forgets what is over for a day. Where lines in
   * between are damaged, the present becomes the floor: what was signed before is refused from then on.
   * Throws the file system's error.
   */
  static async open(dir: string, nowMs: number): Promise<Journal> {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const path = join(dir, "journal");
    const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error;
      return Buffer.alloc(0);
    });
    const { records, damaged } = scanJournal(bytes);
    const runs = new Map<string, JournalledRun>();
    let floorMs = 0;
    for (const record of records) {
      if (record.kind === "floor") floorMs = Math.max(floorMs, record.atMs);
      else apply(runs, record);
    }
    if (damaged > 0) floorMs = Math.max(floorMs, nowMs);
    const written = await write(path, runs, floorMs, nowMs);
    return new Journal(path, written.file, written.bytes, runs, floorMs);
  }

  /** Envelopes whose not-before lies before it are refused. Milliseconds since 1970-01-01 UTC; 0: none. */
  get floorMs(): number {
    return this.#floorMs;
  }

  get(runId: string): JournalledRun | null {
    return this.#runs.get(runId) ?? null;
  }

  /** Runs whose outcome the controller has not stored, in the order of their acceptance. */
  unsettled(): JournalledRun[] {
    return [...this.#runs.values()].filter((run) => !run.stored);
  }

  /**
   * Throws the file system's error when it cannot be written down; the run is not known then, and must not start.
   * @returns false when the journal knows the run already; nothing is written then
   */
  async accept(run: { runId: string; type: string; expiresMs: number }, nowMs: number): Promise<boolean> {
    if (this.#runs.has(run.runId)) return false;
    try {
      await this.#append({ kind: "accepted", atMs: nowMs, ...run });
    } catch (error) {
      this.#runs.delete(run.runId);
      throw error;
    }
    return true;
  }

  /** Throws the file system's error; what was started must not go on then. */
  async start(runId: string, process: RunProcess | null, nowMs: number): Promise<void> {
    await this.#append({ kind: "started", runId, process, atMs: nowMs });
  }

  /** Throws the file system's error; after a restart such a run is found lost. */
  async end(runId: string, outcome: RunOutcome, nowMs: number): Promise<void> {
    await this.#append({ kind: "ended", runId, outcome, atMs: nowMs });
  }

  /** The controller has the outcome. */
  async settle(runId: string, nowMs: number): Promise<void> {
    const run = this.#runs.get(runId);
    if (run === undefined || run.stored || run.outcome === null) return;
    await this.#append({ kind: "stored", runId, atMs: nowMs });
    if (this.#bytes > COMPACT_BYTES) await this.#compact(nowMs);
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.#file.close();
  }

  /** Known in memory at once, so that two envelopes of one run cannot both be new; resolves when it is on disk. */
  #append(record: Exclude<JournalRecord, { kind: "floor" }>): Promise<void> {
    apply(this.#runs, record);
    const done = this.#writing.then(async () => {
      const line = Buffer.from(encodeRecord(record));
      try {
        for (let sent = 0; sent < line.length;) {
          sent += (await this.#file.write(line, sent, line.length - sent, this.#bytes + sent)).bytesWritten;
        }
        await this.#file.datasync();
      } catch (error) {
        await this.#file.truncate(this.#bytes).catch(() => undefined); // half a line at the end is read as torn
        throw error;
      }
      this.#bytes += line.length;
    });
    this.#writing = done.catch(() => undefined); // told to whoever appended
    return done;
  }

  async #compact(nowMs: number): Promise<void> {
    this.#writing = this.#writing.then(async () => {
      const { file, bytes } = await write(this.#path, this.#runs, this.#floorMs, nowMs);
      await this.#file.close();
      this.#file = file;
      this.#bytes = bytes;
    });
    await this.#writing;
  }
}

function apply(runs: Map<string, JournalledRun>, record: Exclude<JournalRecord, { kind: "floor" }>): void {
  if (record.kind === "accepted") {
    // Written anew while this line waited: it stands there twice.
    if (runs.has(record.runId)) return;
    const { runId, type, expiresMs } = record;
    runs.set(runId, { runId, type, expiresMs, started: false, process: null, outcome: null, stored: false });
    return;
  }
  const run = runs.get(record.runId);
  if (run === undefined) return;
  if (record.kind === "started") {
    run.started = true;
    run.process = record.process;
  } else if (record.kind === "ended") run.outcome = record.outcome;
  else run.stored = true;
}

/** Writes the journal anew without what is over, and puts it in the old one's place. */
async function write(
  path: string,
  runs: Map<string, JournalledRun>,
  floorMs: number,
  nowMs: number,
): Promise<{ file: FileHandle; bytes: number }> {
  for (const [runId, run] of runs) if (run.stored && run.expiresMs + KEEP_MS < nowMs) runs.delete(runId);
  const records: JournalRecord[] = floorMs === 0 ? [] : [{ kind: "floor", atMs: floorMs }];
  for (const { runId, type, expiresMs, started, process, outcome, stored } of runs.values()) {
    records.push({ kind: "accepted", runId, type, expiresMs, atMs: nowMs });
    if (started) records.push({ kind: "started", runId, process, atMs: nowMs });
    if (outcome !== null) records.push({ kind: "ended", runId, outcome, atMs: nowMs });
    if (stored) records.push({ kind: "stored", runId, atMs: nowMs });
  }
  const bytes = Buffer.from(records.map(encodeRecord).join(""));
  await writeFileAtomic(path, bytes, { sync: true });
  return { file: await open(path, "r+"), bytes: bytes.length };
}
