import { randomInt, randomUUID } from "node:crypto";
import { RangeSet } from "./ranges.ts";
import type { SpoolRecord } from "./record.ts";
import { Segments } from "./segments.ts";
import { readSpoolState, writeSpoolState } from "./state-file.ts";

export interface SpoolOptions {
  /** Folder of the segments; null keeps everything in memory. */
  readonly dir: string | null;
  /** Default 64 MiB: about three days of a server with a few disks and interfaces. */
  readonly maxBytes?: number;
  /** Default 72 h: what is older is refused at the other end. */
  readonly maxAgeS?: number;
  /** What is held in memory while the disk cannot be written. Default 2 MiB. */
  readonly maxMemoryBytes?: number;
}

export interface SpoolStatus {
  /** Batches waiting. */
  readonly batches: number;
  /** On disk. */
  readonly bytes: number;
  /** Start of the oldest waiting batch, seconds since 1970; 0 when nothing waits. */
  readonly oldestTimeS: number;
  /** Since the spool was made: too old, too many, or nowhere to keep them. */
  readonly dropped: number;
  /** Records that could not be read back since the process started. */
  readonly damaged: number;
  /** Why the disk cannot be written; empty while it can. */
  readonly error: string;
}

/** How many sequences are set aside at once, so that none is used twice when a crash takes the newest records. */
const RESERVE = 65_536;
/** What a killed process acknowledged within this time is sent again and found to be there: writing costs more. */
const STATE_DELAY_MS = 120_000;
/** Newest batches that stay in memory beside the disk, to be sent without reading them back. */
const RECENT = 12;

/**
 * Batches that wait for their commit. Every batch is in memory first, so that a hanging disk delays nothing, and on
 * disk (with fdatasync) soon after: a killed process loses nothing that was recorded, a power cut the running interval.
 */
export class Spool {
  readonly #options: Required<SpoolOptions>;
  readonly #segments: Segments | null;
  readonly #pending: RangeSet;
  /** Not yet on disk, or recent. By sequence, ascending. */
  readonly #memory = new Map<number, { record: SpoolRecord; onDisk: boolean }>();
  #memoryBytes = 0;
  #next: number;
  #reservedThrough: number;
  #dropped: number;
  #unreadable = 0;
  #error: string;
  #disk: Promise<void> = Promise.resolve();
  #stateTimer: NodeJS.Timeout | null = null;
  readonly spoolId: string;
  /** What was found at the start, for the log. */
  readonly found: { readonly torn: number; readonly damaged: number };
  /** Newest certain time that the process before this one left on disk, seconds; 0 for none. A restarted agent goes on behind it. */
  readonly newestTimeS: number;

  private constructor(
    options: Required<SpoolOptions>,
    parts: { segments: Segments | null; spoolId: string; pending: RangeSet; next: number; dropped: number; error: string },
  ) {
    this.#options = options;
    this.#segments = parts.segments;
    this.#pending = parts.pending;
    this.#next = parts.next;
    this.#reservedThrough = parts.next - 1;
    this.#dropped = parts.dropped;
    this.#error = parts.error;
    this.spoolId = parts.spoolId;
    this.newestTimeS = Math.max(0, ...(parts.segments?.info ?? []).filter((info) => !info.unsettled).map((info) => info.newestTimeS));
    this.found = { torn: parts.segments?.torn ?? 0, damaged: parts.segments?.damaged ?? 0 };
  }

  /** Never throws for a bad disk: the spool then lives in memory under an id of its own and says why. */
  static async open(given: SpoolOptions): Promise<Spool> {
    const options = { maxBytes: 64 * 1024 * 1024, maxAgeS: 72 * 3600, maxMemoryBytes: 2 * 1024 * 1024, ...given };
    const inMemory = (error: string) =>
      new Spool(options, { segments: null, spoolId: randomUUID(), pending: new RangeSet(), next: 1, dropped: 0, error });
    if (options.dir === null) return inMemory("");
    try {
      const segments = await Segments.open(options.dir);
      const state = await readSpoolState(options.dir);
      const waiting = new RangeSet(state.pending);
      const pending = new RangeSet();
      let newest = state.reservedThrough;
      for (const sequence of segments.sequences()) {
        if (sequence > state.knownThrough || waiting.has(sequence)) pending.add(sequence);
        newest = Math.max(newest, sequence);
      }
      const spool = new Spool(options, { segments, spoolId: state.spoolId, pending, next: newest + 1, dropped: state.dropped, error: "" });
      await spool.#reserve().catch((error: unknown) => {
        // What the process before this one set aside without being able to say so cannot be known: jump far ahead.
        spool.#next += RESERVE * randomInt(1, 1_000_000);
        spool.#reservedThrough = spool.#next - 1;
        spool.#error = explain(error, options.dir as string);
      });
      await segments.removeWhere((info) => !pending.touches(info.first, info.last));
      return spool;
    } catch (error) {
      return inMemory(explain(error, options.dir));
    }
  }

  get status(): SpoolStatus {
    const first = this.#pending.first;
    return {
      batches: this.#pending.size,
      bytes: this.#segments?.bytes ?? 0,
      oldestTimeS: first === undefined ? 0 : (this.#memory.get(first)?.record.timeS ?? this.#segments?.timeOf(first) ?? 0),
      dropped: this.#dropped,
      damaged: this.found.damaged + this.#unreadable,
      error: this.#error,
    };
  }

  /** The last sequence that was given out. */
  get newest(): number {
    return this.#next - 1;
  }

  /** Adds a batch; returns its sequence at once. The disk follows. `nowS`: settled time, null while it is an estimate. */
  append(batch: { timeS: number; settled: boolean; encode: (sequence: number) => Uint8Array }, nowS: number | null): number {
    const sequence = this.#next++;
    const record: SpoolRecord = { sequence, timeS: batch.timeS, settled: batch.settled, batch: batch.encode(sequence) };
    this.#memory.set(sequence, { record, onDisk: false });
    this.#memoryBytes += record.batch.length;
    this.#pending.add(sequence);
    this.#boundMemory();
    if (this.#segments) void this.#onDisk(() => this.#write(nowS)); // #write tells its errors in the status
    return sequence;
  }

  has(sequence: number): boolean {
    return this.#pending.has(sequence);
  }

  /** The first waiting sequence that is not below n. */
  waitingFrom(n: number): number | undefined {
    return this.#pending.from(n);
  }

  /** Waiting batches that are in memory, ascending. */
  *recent(): Iterable<SpoolRecord> {
    for (const [sequence, { record }] of this.#memory) if (this.#pending.has(sequence)) yield record;
  }

  /** A waiting batch from memory or disk. One that can no longer be read is counted as dropped and null. */
  async read(sequence: number): Promise<SpoolRecord | null> {
    const held = this.#memory.get(sequence);
    if (held) return held.record;
    const found = await this.#onDisk(async () => (await this.#segments?.read(sequence)) ?? null).catch(() => null);
    if (found === null && this.#pending.has(sequence)) {
      this.#unreadable++;
      this.#drop(sequence, sequence);
    }
    return found;
  }

  /** Committed or refused for good: nothing of the range waits any more. */
  settle(first: number, last = first): void {
    this.#pending.remove(first, last);
    for (const sequence of this.#memory.keys()) if (sequence >= first && sequence <= last) this.#forget(sequence);
    if (this.#pending.size === 0) this.#segments?.release();
    this.#saveSoon();
  }

  /** Writes what is still on its way to the disk. */
  flush(): Promise<void> {
    return this.#onDisk(async () => undefined);
  }

  async close(): Promise<void> {
    if (this.#stateTimer) clearTimeout(this.#stateTimer);
    this.#stateTimer = null;
    await this.#onDisk(async () => {
      await this.#save(true).catch(() => undefined); // resends after the next start, nothing else
      await this.#segments?.close();
    });
  }

  /** Disk work, one thing after the other. */
  #onDisk<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#disk.then(work);
    this.#disk = result.then(
      () => undefined,
      () => undefined, // told to whoever awaits `result`
    );
    return result;
  }

  async #write(nowS: number | null): Promise<void> {
    const segments = this.#segments as Segments;
    try {
      if (this.#next > this.#reservedThrough - RESERVE / 2) await this.#reserve();
      for (const [sequence, held] of this.#memory) {
        if (held.onDisk || !this.#pending.has(sequence)) continue;
        await segments.append(held.record);
        held.onDisk = true;
      }
      await this.#boundDisk(nowS);
      this.#error = "";
    } catch (error) {
      this.#error = explain(error, this.#options.dir as string);
    }
    this.#boundMemory();
  }

  async #boundDisk(nowS: number | null): Promise<void> {
    const segments = this.#segments as Segments;
    await segments.removeWhere((info) => info.last < this.#next - 1 && !this.#pending.touches(info.first, info.last));
    if (nowS !== null) {
      const tooOldS = nowS - this.#options.maxAgeS;
      for (const info of segments.info) if (!info.unsettled && info.newestTimeS < tooOldS) this.#drop(info.first, info.last);
    }
    for (
      let info = segments.info[0];
      info && segments.bytes > this.#options.maxBytes && segments.info.length > 1;
      info = segments.info[0]
    ) {
      const oldest = info.first;
      this.#drop(info.first, info.last);
      await segments.removeWhere((other) => other.first === oldest);
    }
    await segments.removeWhere((info) => info.last < this.#next - 1 && !this.#pending.touches(info.first, info.last));
  }

  /** Memory keeps a few recent batches; more only while the disk does not take them, and then the oldest is lost. */
  #boundMemory(): void {
    for (const [sequence, { onDisk }] of this.#memory) {
      if (onDisk ? this.#memory.size <= RECENT : this.#memoryBytes <= this.#options.maxMemoryBytes || this.#memory.size === 1) break;
      if (onDisk) this.#forget(sequence);
      else this.#drop(sequence, sequence);
    }
  }

  #forget(sequence: number): void {
    this.#memoryBytes -= this.#memory.get(sequence)?.record.batch.length ?? 0;
    this.#memory.delete(sequence);
  }

  #drop(first: number, last: number): void {
    const before = this.#pending.size;
    this.#pending.remove(first, last);
    this.#dropped += before - this.#pending.size;
    for (const sequence of this.#memory.keys()) if (sequence >= first && sequence <= last) this.#forget(sequence);
    this.#saveSoon();
  }

  async #reserve(): Promise<void> {
    const before = this.#reservedThrough;
    this.#reservedThrough = this.#next - 1 + RESERVE;
    try {
      await this.#save(true);
    } catch (error) {
      this.#reservedThrough = before;
      throw error;
    }
  }

  #saveSoon(): void {
    if (!this.#segments || this.#stateTimer) return;
    this.#stateTimer = setTimeout(() => {
      this.#stateTimer = null;
      void this.#onDisk(() => this.#save(false)).catch(() => undefined); // costs resends; #write tells when the disk is full
    }, STATE_DELAY_MS);
    this.#stateTimer.unref();
  }

  async #save(sync: boolean): Promise<void> {
    if (!this.#segments) return;
    const { spoolId } = this;
    const pending = this.#pending.ranges.map(([first, last]) => [first, last] as const);
    await writeSpoolState(
      this.#options.dir as string,
      { spoolId, reservedThrough: this.#reservedThrough, knownThrough: this.#next - 1, pending, dropped: this.#dropped },
      sync,
    );
  }
}

/** The file system's error in words. */
function explain(error: unknown, dir: string): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ENOSPC" || code === "EDQUOT")
    return `No space left for ${dir}: new measurements are held in memory only and the oldest get lost; free some disk space`;
  if (code === "EROFS") return `${dir} is on a read-only file system: new measurements are held in memory only`;
  if (code === "EACCES" || code === "EPERM")
    return `${dir} must not be written by this user: new measurements are held in memory only; check its owner`;
  return `${dir} cannot be written: ${message}; new measurements are held in memory only`;
}
