import type { MetricsResult } from "@devflow/api";

export type Values = readonly (number | null)[];
export interface Series {
  readonly instance: string;
  readonly mean: Values;
  /** Null where no maximum is kept. */
  readonly max: Values | null;
}

/** Everything that the charts of a page draw: all series run along the same times. */
export interface Dataset {
  /** Seconds since 1970. */
  readonly times: readonly number[];
  readonly fromSeconds: number;
  readonly toSeconds: number;
  readonly stepSeconds: number;
  /** By "family.measure"; instances in natural order of their names. */
  readonly series: ReadonlyMap<string, readonly Series[]>;
}

const natural = new Intl.Collator("en", { numeric: true });

/** The answer of /metrics as a dataset. */
export function datasetOf(result: MetricsResult): Dataset {
  const series = new Map<string, Series[]>();
  for (const { metric, instance, mean, max } of result.series) {
    const list = series.get(metric);
    if (list) list.push({ instance, mean, max });
    else series.set(metric, [{ instance, mean, max }]);
  }
  for (const list of series.values()) list.sort((a, b) => natural.compare(a.instance, b.instance));
  return {
    times: result.times,
    fromSeconds: Date.parse(result.from) / 1000,
    toSeconds: Date.parse(result.to) / 1000,
    stepSeconds: result.stepSeconds,
    series,
  };
}

/** The newest value that is there, and its place; null without any. */
export function lastOf(values: Values): number | null {
  for (let i = values.length - 1; i >= 0; i--) if (values[i] != null) return values[i] as number;
  return null;
}

/** Sum of series, point by point; a gap only where all have one. */
export function sumOf(list: readonly Series[], length: number): Values {
  return Array.from({ length }, (_, i) => {
    let sum: number | null = null;
    for (const { mean } of list) {
      const value = mean[i] ?? null;
      if (value !== null) sum = (sum ?? 0) + value;
    }
    return sum;
  });
}

/** a as a share of b in percent, point by point. */
export const shareOf = (a: Values, b: Values): Values => a.map((v, i) => (v == null || !b[i] ? null : (v / b[i]) * 100));

/** Shorter than this no axis gets, however young a server is. */
const YOUNG_SPAN_SECONDS = 60;

/**
 * A server that was added within the range has nothing before: its axis begins at its first value instead of showing a
 * chart that is empty but for its right edge. Its stored points stay as they are.
 * @param addedMs milliseconds since 1970; null while it is not known
 */
export function sinceAdded(data: Dataset, addedMs: number | null): Dataset {
  if (addedMs === null || addedMs / 1000 <= data.fromSeconds) return data;
  let first = data.times.length;
  for (const list of data.series.values())
    for (const { mean } of list) {
      const at = mean.findIndex((v) => v != null);
      if (at >= 0 && at < first) first = at;
    }
  const firstSeconds = data.times[first] ?? addedMs / 1000;
  const fromSeconds = Math.max(data.fromSeconds, Math.min(firstSeconds, data.toSeconds - YOUNG_SPAN_SECONDS));
  return fromSeconds === data.fromSeconds ? data : { ...data, fromSeconds };
}
