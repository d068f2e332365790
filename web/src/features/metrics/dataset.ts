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
