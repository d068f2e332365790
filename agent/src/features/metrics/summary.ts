import type { Family } from "@devflow/catalogue";
import { encodeRows, type FamilyRows } from "./encode.ts";
import type { Sample } from "./probe.ts";
import { MAX_INSTANCES, type Table } from "./table.ts";

/** Length of a summary. */
export const BUCKET_MS = 10_000;
const MAX_SAMPLES = BUCKET_MS / 1000;

/** A finished interval: what metrics.v1 Batch needs apart from sequence, boot id and lane. */
export interface MetricsBatch {
  /** Start of the interval, seconds since 1970-01-01 UTC, a multiple of 10. */
  readonly timeS: number;
  /** CLOCK_MONOTONIC at the last reading of the interval, whole milliseconds. */
  readonly monotonicMs: number;
  /** Second values in it, 1 to 10. */
  readonly samples: number;
  readonly families: FamilyRows[];
}

/**
 * A settled clock that falls back by no more than this keeps filling the open interval until it has caught up.
 * Beyond it the intervals written before lay more than 60 s ahead of the controller, which refuses such rows: a new
 * time line starts, and nothing can be there twice.
 */
const CATCH_UP_MS = 60_000;

/** Sums and maxima of one family. */
class Totals {
  readonly family: Family;
  readonly width: number;
  readonly instances: string[] = [];
  #sum: Float64Array;
  #max: Float64Array;
  #count: Uint16Array;

  constructor(family: Family) {
    this.family = family;
    this.width = family.measures.length;
    this.#sum = new Float64Array(this.width);
    this.#max = new Float64Array(this.width);
    this.#count = new Uint16Array(this.width);
  }

  add(table: Table): void {
    const { cells, instances } = table;
    for (let row = 0; row < instances.length; row++) {
      const to = this.#row(instances[row] as string, row) * this.width;
      if (to < 0) continue;
      const from = row * this.width;
      for (let i = 0; i < this.width; i++) {
        const value = cells[from + i] as number;
        if (Number.isNaN(value)) continue;
        const n = this.#count[to + i] as number;
        this.#count[to + i] = n + 1;
        this.#sum[to + i] = (this.#sum[to + i] as number) + value;
        if (n === 0 || value > (this.#max[to + i] as number)) this.#max[to + i] = value;
      }
    }
  }

  /** The interval's rows; empty afterwards. */
  take(): FamilyRows | null {
    if (this.instances.length === 0) return null;
    const cells = this.instances.length * this.width;
    for (let i = 0; i < cells; i++) {
      const n = this.#count[i] as number;
      if (n === 0) this.#max[i] = Number.NaN;
      this.#sum[i] = n === 0 ? Number.NaN : Math.round((this.#sum[i] as number) / n);
    }
    const rows = encodeRows(this.family, this.instances, this.#sum, this.#max);
    this.instances.length = 0;
    this.#sum.fill(0);
    this.#count.fill(0);
    return rows;
  }

  /** Row of an instance; a new one when it was not seen in this interval, -1 when there are too many. */
  #row(instance: string, likely: number): number {
    if (this.instances[likely] === instance) return likely;
    const found = this.instances.indexOf(instance);
    if (found !== -1) return found;
    if (this.instances.length >= MAX_INSTANCES) return -1;
    this.instances.push(instance);
    if (this.instances.length * this.width > this.#sum.length) this.#grow();
    return this.instances.length - 1;
  }

  #grow(): void {
    const size = this.#sum.length * 2;
    const grown = <T extends Float64Array | Uint16Array>(from: T, to: T): T => {
      to.set(from);
      return to;
    };
    this.#sum = grown(this.#sum, new Float64Array(size));
    this.#max = grown(this.#max, new Float64Array(size));
    this.#count = grown(this.#count, new Uint16Array(size));
  }
}

/** Turns samples into 10-second batches that lie on multiples of 10 s of the settled wall time. */
export class Summary {
  readonly #totals = new Map<Family, Totals>();
  #bucketMs = Number.NaN;
  #samples = 0;
  #lastMonotonicMs = 0;

  /**
   * Takes a sample read at `settledMs` (milliseconds since 1970-01-01 UTC) and returns the batch that it ends, or null.
   * Start times of the batches strictly increase, except when the clock falls back by more than a minute.
   */
  add(sample: Sample, settledMs: number, monotonicMs: number): MetricsBatch | null {
    const bucketMs = Math.floor(settledMs / BUCKET_MS) * BUCKET_MS;
    const opens = !(bucketMs <= this.#bucketMs) || bucketMs < this.#bucketMs - CATCH_UP_MS;
    // Its interval was handed out before its end (stop and start): it must not be there twice.
    if (!opens && this.#samples === 0) return null;
    const batch = opens ? this.take() : null;
    if (opens) this.#bucketMs = bucketMs;
    for (const table of sample.tables) this.#of(table).add(table);
    this.#samples++;
    this.#lastMonotonicMs = monotonicMs;
    return batch;
  }

  /** The open interval as a batch, or null when it is empty. Used at shutdown. */
  take(): MetricsBatch | null {
    if (this.#samples === 0) return null;
    const families: FamilyRows[] = [];
    for (const totals of this.#totals.values()) {
      const rows = totals.take();
      if (rows) families.push(rows);
    }
    const batch: MetricsBatch = {
      timeS: this.#bucketMs / 1000,
      monotonicMs: Math.round(this.#lastMonotonicMs),
      samples: Math.min(MAX_SAMPLES, this.#samples),
      families,
    };
    this.#samples = 0;
    return batch;
  }

  #of(table: Table): Totals {
    let totals = this.#totals.get(table.family);
    if (!totals) this.#totals.set(table.family, (totals = new Totals(table.family)));
    return totals;
  }
}
