import type { MetricSource } from "../../feature.ts";
import { monotonicMs } from "../../host/clock.ts";
import { Interval } from "./interval.ts";
import type { Sample } from "./probe.ts";
import { Sampler } from "./sampler.ts";
import { Seconds } from "./second.ts";

export { wantedInterfaces } from "./probes/network.ts";

/**
 * The host's metrics for the recorder, which says when to read and when an interval ends.
 * @param root folder in which /proc and the file systems are looked for. Default: the machine's root
 */
export function createMetricSource(root = ""): MetricSource & {
  /** A number that changes with the set of listening TCP sockets; NaN until they were first walked. */
  readonly listeners: () => number;
} {
  const sampler = new Sampler(root);
  const interval = new Interval();
  const seconds = new Seconds();
  let last: Sample | null = null;
  return {
    sample() {
      const sample = sampler.read(monotonicMs());
      if (sample === null) return;
      last = sample;
      interval.add(sample);
      const failure = sampler.takeFailure();
      if (failure !== null) throw failure;
    },
    latest: () => (last ? seconds.take(last) : null),
    takeInterval: () => interval.take(),
    listeners: () => last?.listeners ?? Number.NaN,
  };
}
