import type { FamilyRows } from "@devflow/proto/metrics/v1/metrics";
import type { MetricSource } from "../../feature.ts";
import { monotonicMs } from "../../host/clock.ts";
import { encodeSample } from "./encode.ts";
import { Interval } from "./interval.ts";
import type { Sample } from "./probe.ts";
import { Sampler, startTicking } from "./sampler.ts";
import { type MetricsBatch, Summary } from "./summary.ts";

export { wantedInterfaces } from "./probes/network.ts";
export type { MetricsBatch };

/**
 * The host's metrics for a recorder with a clock of its own.
 * `root`: folder in which /proc and the file systems are looked for; default the machine's root.
 */
export function createMetricSource(root = ""): MetricSource {
  const sampler = new Sampler(root);
  const interval = new Interval();
  let sample: Sample | undefined;
  return {
    sample() {
      sample = sampler.read(monotonicMs());
      interval.add(sample);
    },
    latest: () => (sample ? encodeSample(sample) : []),
    takeInterval: () => interval.take(),
  };
}

/** One second's values while somebody watches. */
export interface LiveFrame {
  /** Settled wall clock at the moment of reading, milliseconds since 1970-01-01 UTC. */
  readonly readAtMs: number;
  readonly families: FamilyRows[];
}

export interface MetricsOptions {
  /** The agent's wall clock, settled against the controller's: milliseconds since 1970-01-01 UTC. */
  readonly settledNow: () => number;
  /** Gets each finished 10-second batch. */
  readonly onBatch: (batch: MetricsBatch) => void;
  /** Gets a frame each second while live mode is on. */
  readonly onLive: (frame: LiveFrame) => void;
  /** Folder in which /proc and the file systems are looked for. Default: the machine's root. */
  readonly root?: string;
}

export interface Metrics {
  /** Starts reading each second. */
  start(): void;
  /** Stops, hands out the open interval as a last batch and gives back all descriptors. */
  stop(): void;
  /** Turns live frames on or off. Off at start. */
  setLive(on: boolean): void;
}

/** Collects the host's metrics: second values for live frames, 10-second summaries for the spool. */
export function createMetrics({ settledNow, onBatch, onLive, root = "" }: MetricsOptions): Metrics {
  const summary = new Summary();
  let live = false;
  let sampler: Sampler | undefined;
  let stopTicking: (() => void) | undefined;

  const onTick = (nowMs: number): void => {
    const readAtMs = settledNow();
    const sample = (sampler as Sampler).read(nowMs);
    const batch = summary.add(sample, readAtMs, nowMs);
    if (live) onLive({ readAtMs: Math.round(readAtMs), families: encodeSample(sample) });
    if (batch) onBatch(batch);
  };

  return {
    start() {
      if (sampler) return;
      sampler = new Sampler(root);
      stopTicking = startTicking(onTick);
    },
    stop() {
      if (!sampler) return;
      stopTicking?.();
      sampler.close();
      sampler = undefined;
      const batch = summary.take();
      if (batch) onBatch(batch);
    },
    setLive(on) {
      live = on;
    },
  };
}
