import type { FamilyRows } from "@devflow/proto/metrics/v1/metrics";
import { Interval } from "./interval.ts";
import type { Sample } from "./probe.ts";

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

/** Turns samples into 10-second batches that lie on multiples of 10 s of the settled wall time. */
export class Summary {
  readonly #interval = new Interval();
  #bucketMs = Number.NaN;
  #lastMonotonicMs = 0;

  /**
   * Takes a sample read at `settledMs` (milliseconds since 1970-01-01 UTC) and returns the batch that it ends, or null.
   * Start times of the batches strictly increase, except when the clock falls back by more than a minute.
   */
  add(sample: Sample, settledMs: number, monotonicMs: number): MetricsBatch | null {
    const bucketMs = Math.floor(settledMs / BUCKET_MS) * BUCKET_MS;
    const opens = !(bucketMs <= this.#bucketMs) || bucketMs < this.#bucketMs - CATCH_UP_MS;
    // Its interval was handed out before its end (stop and start): it must not be there twice.
    if (!opens && this.#interval.samples === 0) return null;
    const batch = opens ? this.take() : null;
    if (opens) this.#bucketMs = bucketMs;
    this.#interval.add(sample);
    this.#lastMonotonicMs = monotonicMs;
    return batch;
  }

  /** The open interval as a batch, or null when it is empty. Used at shutdown. */
  take(): MetricsBatch | null {
    if (this.#interval.samples === 0) return null;
    const { samples, families } = this.#interval.take();
    return {
      timeS: this.#bucketMs / 1000,
      monotonicMs: Math.round(this.#lastMonotonicMs),
      samples: Math.min(MAX_SAMPLES, samples),
      families,
    };
  }
}
