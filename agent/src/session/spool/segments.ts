import { mkdir, open, readdir, readFile, truncate, unlink, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { encodeRecord, scanRecords, type SpoolRecord } from "./record.ts";

/** A new file begins beyond this; files are removed whole once all of their batches are settled. */
export const SEGMENT_BYTES = 256 * 1024;

interface Segment {
  readonly path: string;
  readonly sequences: number[];
  readonly times: number[];
  bytes: number;
  /** Holds times that are estimates: not to be judged by age. */
  unsettled: boolean;
}

export interface SegmentInfo {
  readonly first: number;
  readonly last: number;
  readonly newestTimeS: number;
  readonly unsettled: boolean;
}

/** Append-only segment files, one writer. Calls must not overlap except for readers of `info`, `bytes` and `timeOf`. */
export class Segments {
  readonly #dir: string;
  readonly #segments: Segment[];
  #active: FileHandle | null = null;
  /** Segment that was read last, parsed: a backlog is read in order. */
  #cached: { segment: Segment; records: Map<number, SpoolRecord> } | null = null;
  readonly damaged: number;
  readonly torn: number;

  private constructor(dir: string, segments: Segment[], damaged: number, torn: number) {
    this.#dir = dir;
    this.#segments = segments;
    this.damaged = damaged;
    this.torn = torn;
  }

  /** Reads what is there, cuts torn ends, removes files without a good record. Makes the folder when missing. */
  static async open(dir: string): Promise<Segments> {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const segments: Segment[] = [];
    let damaged = 0;
    let torn = 0;
    for (const name of (await readdir(dir)).filter((file) => /^\d{16}\.seg$/.test(file)).toSorted()) {
      const path = join(dir, name);
      const bytes = await readFile(path);
      const scan = scanRecords(bytes);
      damaged += scan.damaged;
      if (scan.records.length === 0) {
        if (bytes.length > 0) torn++;
        await unlink(path);
        continue;
      }
      if (scan.goodBytes < bytes.length) {
        torn++;
        await truncate(path, scan.goodBytes);
      }
      segments.push({
        path,
        bytes: scan.goodBytes,
        sequences: scan.records.map((record) => record.sequence),
        times: scan.records.map((record) => record.timeS),
        unsettled: scan.records.some((record) => !record.settled),
      });
    }
    return new Segments(dir, segments, damaged, torn);
  }

  get bytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.bytes, 0);
  }

  /** Oldest first. */
  get info(): SegmentInfo[] {
    return this.#segments.map((segment) => ({
      first: segment.sequences[0] as number,
      last: segment.sequences.at(-1) as number,
      newestTimeS: segment.times.at(-1) as number,
      unsettled: segment.unsettled,
    }));
  }

  /** All sequences on disk. */
  *sequences(): Iterable<number> {
    for (const segment of this.#segments) yield* segment.sequences;
  }

  /** Recorded start of a batch's interval in seconds; undefined when it is not on disk. */
  timeOf(sequence: number): number | undefined {
    const segment = this.#find(sequence);
    return segment?.times[segment.sequences.indexOf(sequence)];
  }

  /**
   * Appends one record and asks the kernel to bring it to the disk. A failed write leaves nothing behind: the next one
   * goes to the same place. Throws the file system's error.
   */
  async append(record: SpoolRecord): Promise<void> {
    const bytes = encodeRecord(record);
    let segment = this.#segments.at(-1);
    if (!segment || segment.bytes + bytes.length > SEGMENT_BYTES) {
      await this.#closeActive();
      segment = {
        path: join(this.#dir, `${String(record.sequence).padStart(16, "0")}.seg`),
        sequences: [],
        times: [],
        bytes: 0,
        unsettled: false,
      };
      this.#active = await open(segment.path, "w", 0o600);
      this.#segments.push(segment);
    }
    try {
      this.#active ??= await open(segment.path, "r+");
      for (let done = 0; done < bytes.length;) {
        done += (await this.#active.write(bytes, done, bytes.length - done, segment.bytes + done)).bytesWritten;
      }
      await this.#active.datasync();
    } catch (error) {
      if (segment.sequences.length === 0) await this.#remove(segment).catch(() => undefined); // the write's error is the one to tell
      throw error;
    }
    segment.bytes += bytes.length;
    segment.sequences.push(record.sequence);
    segment.times.push(record.timeS);
    if (!record.settled) segment.unsettled = true;
    if (this.#cached?.segment === segment) this.#cached = null;
  }

  /** Reads one record; null when it is not on disk or can no longer be read. */
  async read(sequence: number): Promise<SpoolRecord | null> {
    const segment = this.#find(sequence);
    if (!segment) return null;
    if (this.#cached?.segment !== segment) {
      const scan = scanRecords(await readFile(segment.path));
      this.#cached = { segment, records: new Map(scan.records.map((record) => [record.sequence, record])) };
    }
    return this.#cached.records.get(sequence) ?? null;
  }

  /** Forgets the parsed segment: nothing is being read. */
  release(): void {
    this.#cached = null;
  }

  /** Removes the files for which `gone` says so. */
  async removeWhere(gone: (info: SegmentInfo) => boolean): Promise<void> {
    const infos = this.info;
    for (const [i, segment] of [...this.#segments].entries()) {
      if (gone(infos[i] as SegmentInfo)) await this.#remove(segment);
    }
  }

  async close(): Promise<void> {
    this.#cached = null;
    await this.#closeActive();
  }

  async #remove(segment: Segment): Promise<void> {
    if (segment === this.#segments.at(-1)) await this.#closeActive();
    if (this.#cached?.segment === segment) this.#cached = null;
    this.#segments.splice(this.#segments.indexOf(segment), 1);
    await unlink(segment.path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error;
    });
  }

  async #closeActive(): Promise<void> {
    const active = this.#active;
    this.#active = null;
    await active?.close();
  }

  #find(sequence: number): Segment | undefined {
    return this.#segments.findLast(
      (segment) => (segment.sequences[0] ?? Infinity) <= sequence && sequence <= (segment.sequences.at(-1) ?? -1),
    );
  }
}
