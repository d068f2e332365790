import type { TimeCounts } from "@devflow/api";

export interface Series {
  /** As the legend and the words of a bar call it: "offline". */
  readonly label: string;
  /** A CSS colour. */
  readonly color: string;
  /** Kinds of the counts that it sums up; null: all that no other series has. */
  readonly kinds: readonly string[] | null;
}

/** One hour or day. */
export interface Bar {
  readonly fromMs: number;
  readonly toMs: number;
  /** A number for each series. */
  readonly values: readonly number[];
  readonly total: number;
}

/** Every hour or day of the window, those without a count too. */
export function barsOf({ from, to, stepSeconds, items }: TimeCounts, series: readonly Series[]): Bar[] {
  const [first, last, step] = [Date.parse(from), Date.parse(to), stepSeconds * 1000];
  const named = new Set(series.flatMap(({ kinds }) => kinds ?? []));
  const bars = Array.from({ length: Math.ceil((last - first) / step) }, (_, i) => ({
    fromMs: first + i * step,
    toMs: first + (i + 1) * step,
    values: series.map(() => 0),
    total: 0,
  }));
  for (const { at, kind, count } of items) {
    const bar = bars[Math.floor((Date.parse(at) - first) / step)];
    const of = series.findIndex(({ kinds }) => (kinds === null ? !named.has(kind) : kinds.includes(kind)));
    if (bar === undefined || of === -1) continue;
    bar.values[of] = (bar.values[of] ?? 0) + count;
    bar.total += count;
  }
  return bars;
}

/** "5 offline, 3 online"; what there is none of is left out. */
export const countWords = (values: readonly number[], series: readonly Series[]): string =>
  series
    .map(({ label }, i) => [values[i] ?? 0, label] as const)
    .filter(([n]) => n > 0)
    .map(([n, label]) => `${n.toLocaleString("en-US")} ${label}`)
    .join(", ") || "nothing";

const two = (n: number) => String(n).padStart(2, "0");
const clock = (d: Date) => `${two(d.getHours())}:${two(d.getMinutes())}`;
const day = (d: Date) => d.toLocaleDateString("en-GB", { day: "numeric", month: "short" });

/** When a bar was, in the reader's zone: "20 Nov, 14:00 to 15:00", "20 Nov". */
export function barTime({ fromMs, toMs }: Pick<Bar, "fromMs" | "toMs">): string {
  const [from, to] = [new Date(fromMs), new Date(toMs)];
  return toMs - fromMs > 3_600_000 ? day(from) : `${day(from)}, ${clock(from)} to ${clock(to)}`;
}

/** What stands below a bar: the hour, or the day where one begins. */
export function barTick({ fromMs, toMs }: Pick<Bar, "fromMs" | "toMs">): string {
  const from = new Date(fromMs);
  return toMs - fromMs > 3_600_000 || from.getHours() === 0 ? day(from) : clock(from);
}
