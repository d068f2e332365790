import type { RejectionReason } from "@devflow/proto/metrics/v1/metrics";
import { CopyBuffer } from "./copy-buffer.ts";
import type { Latest } from "./latest.ts";
import { rowShapes } from "./row-shape.ts";

/** Where a batch came from and where its outcome goes. */
export interface BatchSource {
  committed(sequence: number): void;
  rejected(sequence: number, reason: RejectionReason, detail: string): void;
  /** All outcomes of one flush were given. */
  flushed(): void;
}

/** Encoded rows of many agents' batches, written together. */
export class OpenFlush {
  readonly buffers: readonly CopyBuffer[] = rowShapes.map(() => new CopyBuffer());
  readonly sources: BatchSource[] = [];
  readonly sequences: number[] = [];
  readonly serverNos: number[] = [];
  readonly times: number[] = [];
  readonly latest = new Map<number, Latest>();
  rows = 0;
  /** End of each batch in each buffer: batch i, buffer f at [i * shapes + f]. */
  readonly #ends: number[] = [];

  get batches(): number {
    return this.sources.length;
  }

  /** Closes a batch whose rows were written into the buffers. */
  add(source: BatchSource, sequence: number, serverNo: number, timeS: number, rows: number): void {
    this.sources.push(source);
    this.sequences.push(sequence);
    this.serverNos.push(serverNo);
    this.times.push(timeS);
    for (const buffer of this.buffers) this.#ends.push(buffer.length);
    this.rows += rows;
  }

  /** Drops what was written since the last add(). */
  dropUnfinished(): void {
    const from = this.#ends.length - this.buffers.length;
    this.buffers.forEach((buffer, f) => {
      if (from < 0) buffer.clear();
      else buffer.length = this.#ends[from + f] as number;
    });
  }

  /** Batches from `start` to before `end` as a flush of their own; a server's latest values go with the batch that they are of. */
  slice(start: number, end: number): OpenFlush {
    const part = new OpenFlush();
    for (let i = start; i < end; i++) {
      this.buffers.forEach((buffer, f) => {
        const begin = i === 0 ? new CopyBuffer(0).length : (this.#ends[(i - 1) * this.buffers.length + f] as number);
        part.buffers[f]?.append(buffer, begin, this.#ends[i * this.buffers.length + f] as number);
      });
      part.add(this.sources[i] as BatchSource, this.sequences[i] as number, this.serverNos[i] as number, this.times[i] as number, 0);
      const latest = this.latest.get(this.serverNos[i] as number);
      if (latest !== undefined && latest.timeS === this.times[i]) part.latest.set(latest.serverNo, latest);
    }
    return part;
  }

  clear(): void {
    for (const buffer of this.buffers) buffer.clear();
    for (const list of [this.sources, this.sequences, this.serverNos, this.times, this.#ends]) list.length = 0;
    this.latest.clear();
    this.rows = 0;
  }
}
