import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";

/** Everything that GET /metrics shows of this process. */
export const registry = new Registry();

let defaultsOn = false;

/** Adds the process's own figures (memory, event loop delay, garbage collection); once a process. */
export function observeProcess(): void {
  if (defaultsOn) return;
  defaultsOn = true;
  collectDefaultMetrics({ register: registry });
}

/** The counter, gauge or histogram of that name; made at the first call, so that parts may be created again. */
export const counter = <L extends string = never>(name: string, help: string, labelNames: readonly L[] = []): Counter<L> =>
  (registry.getSingleMetric(name) as Counter<L> | undefined) ??
  new Counter({ name, help, labelNames: [...labelNames], registers: [registry] });

/** @param collect sets the value when it is asked for; replaces the one given before */
export function gauge(name: string, help: string, collect?: (gauge: Gauge) => void): Gauge {
  const known = registry.getSingleMetric(name) as Gauge | undefined;
  if (known !== undefined) registry.removeSingleMetric(name);
  return new Gauge({
    name,
    help,
    registers: [registry],
    ...(collect !== undefined && {
      collect() {
        collect(this);
      },
    }),
  });
}

/** @param buckets upper ends, in the unit of the name (seconds) */
export const histogram = (name: string, help: string, buckets: readonly number[]): Histogram =>
  (registry.getSingleMetric(name) as Histogram | undefined) ?? new Histogram({ name, help, buckets: [...buckets], registers: [registry] });

/** A part's state as /readyz and the UI tell it. */
export interface PartHealth {
  readonly state: "ok" | "unavailable";
  /** Milliseconds since 1970-01-01 UTC. */
  readonly sinceMs: number;
}

const parts = new Map<string, () => PartHealth>();

/** Tells how a part's state is read, for example "metrics.database"; the last one of that name counts. */
export const reportHealth = (name: string, read: () => PartHealth): void => void parts.set(name, read);

/** The state of all parts that tell one. */
export const healthOfParts = (): Record<string, PartHealth> => Object.fromEntries([...parts].map(([name, read]) => [name, read()]));
