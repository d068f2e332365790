import type uPlot from "uplot";
import { formatTick, niceTop, timeSplits, timeTick } from "./axis.ts";
import type { Dataset } from "./dataset.ts";
import type { ChartSpec, Line } from "./specs.ts";
import { stack } from "./stack.ts";

export const HEIGHT = 132;
/** Room of the value axis, pixels; the heat map keeps the same so that times line up. */
export const AXIS = 54;

/** The chart colours of the theme that is on; a canvas cannot read CSS variables itself. */
export function palette(): { series: string[]; line: string; text: string; surface: string } {
  const style = getComputedStyle(document.documentElement);
  const read = (name: string) => style.getPropertyValue(name).trim();
  return {
    series: Array.from({ length: 8 }, (_, i) => read(`--s${i + 1}`)),
    line: read("--line"),
    text: read("--text-3"),
    surface: read("--surface"),
  };
}
const alpha = (colour: string, percent: number) => colour.replace(/\)$/, ` / ${percent}%)`);

/** Up to so many values are each drawn as a point: a line through three of them says little. */
const FEW = 8;

/** Places of values that want a point: those with a gap on both sides, or all where there are few; null without any. */
export function dotted(values: ArrayLike<number | null | undefined>): number[] | null {
  const known: number[] = [];
  const lonely: number[] = [];
  for (let i = 0; i < values.length; i++) {
    if (values[i] == null) continue;
    if (known.length <= FEW) known.push(i);
    if (values[i - 1] == null && values[i + 1] == null) lonely.push(i);
  }
  const found = known.length <= FEW ? known : lonely;
  return found.length > 0 ? found : null;
}

/** Where a column has points. Layers of a stacked chart have gaps where they add nothing: the lowest says where there are values. */
export function pointsOf(spec: ChartSpec, columns: uPlot.AlignedData, at: number): number[] | null {
  const own = columns[at] ?? [];
  return dotted((spec.stacked ? columns[1] : undefined) ?? own)?.filter((i) => own[i] != null) ?? null;
}

/** Columns for uPlot: for each line its mean and, where kept, its maximum; sums for stacked charts. */
export function columnsOf(spec: ChartSpec, lines: readonly Line[], data: Dataset): uPlot.AlignedData {
  const means = spec.stacked ? stack(lines.map((l) => l.mean)) : lines.map((l) => l.mean);
  const columns: unknown[] = [data.times];
  lines.forEach((line, i) => {
    columns.push(means[i]);
    if (!spec.stacked && line.max) columns.push(line.max);
  });
  return columns as uPlot.AlignedData;
}

/** What has to be the same for a chart to take new values without being built again. */
export const shapeOf = (lines: readonly Line[]): string => lines.map((l) => `${l.label}${l.max ? "+" : ""}`).join("|");

interface Callbacks {
  readonly zoom: (fromSeconds: number, toSeconds: number) => void;
  readonly reset: () => void;
  readonly move: (at: number | null, left: number) => void;
  /** Ends of the time axis, read at each drawing. */
  readonly ends: () => readonly [number, number];
  readonly top: () => number | null;
}

/** Options of a chart: the same height and axis everywhere, drag zooms, double click returns, one cursor for all. */
export function optionsOf(spec: ChartSpec, lines: readonly Line[], width: number, syncKey: string, on: Callbacks): uPlot.Options {
  const colours = palette();
  const series: uPlot.Series[] = [{}];
  const bands: uPlot.Band[] = [];
  lines.forEach((line, i) => {
    const colour = colours.series[i % colours.series.length] as string;
    const below = series.length - 1;
    series.push({
      stroke: colour,
      width: spec.stacked ? 1 : 1.5,
      points: { show: false, size: 4, fill: colour, width: 0, filter: (u, at) => pointsOf(spec, u.data, at) },
      ...(spec.stacked
        ? i === 0
          ? { fill: alpha(colour, 38) }
          : {}
        : spec.filled || lines.length <= 2
          ? { fill: alpha(colour, spec.filled ? 13 : 7) }
          : {}),
    });
    if (spec.stacked && i > 0) bands.push({ series: [series.length - 1, below], fill: alpha(colour, 38) });
    if (!spec.stacked && line.max) {
      series.push({ stroke: "transparent", width: 0, points: { show: false } });
      bands.push({ series: [series.length - 1, series.length - 2], fill: alpha(colour, 12) });
    }
  });
  const font = `11px ${getComputedStyle(document.body).fontFamily}`;
  const axis: uPlot.Axis = { stroke: colours.text, font, ticks: { show: false } };
  return {
    width,
    height: HEIGHT,
    padding: [6, 4, 0, 0],
    legend: { show: false },
    scales: {
      x: { time: true, range: () => on.ends() as [number, number] },
      y: { range: (_u, _min, max) => [0, on.top() ?? niceTop(max ?? 0, spec.unit)] },
    },
    axes: [
      {
        ...axis,
        size: 22,
        gap: 4,
        grid: { show: false },
        splits: (u, _i, from, to) => timeSplits(from, to, u.bbox.width / devicePixelRatio),
        values: (u, splits) => splits.map((t) => timeTick(t, (u.scales["x"]?.max ?? 0) - (u.scales["x"]?.min ?? 0))),
      },
      {
        ...axis,
        size: AXIS,
        gap: 6,
        grid: { stroke: colours.line, width: 1 },
        splits: (_u, _i, _min, max) => [0, max / 2, max],
        values: (_u, splits) =>
          splits.map((v) => (spec.axisInPercent ? formatTick((v / (splits.at(-1) || 1)) * 100, "percent") : formatTick(v, spec.unit))),
      },
    ],
    series,
    bands,
    cursor: {
      y: false,
      drag: { x: true, y: false, setScale: false },
      points: {
        size: 6,
        width: 1.5,
        stroke: () => colours.surface,
        fill: (u, i) => (u.series[i]?.stroke as (() => string) | undefined)?.() ?? "",
      },
      bind: {
        dblclick: () => () => {
          on.reset();
          return null;
        },
      },
      // Only moving is shared: a selection belongs to the chart that it was drawn on.
      sync: {
        key: syncKey,
        setSeries: false,
        scales: ["x", null],
        filters: {
          pub: (type) => type === "mousemove" || type === "mouseleave",
          sub: (type) => type === "mousemove" || type === "mouseleave",
        },
      },
    },
    hooks: {
      setCursor: [(u) => on.move(u.cursor.idx ?? null, u.cursor.left ?? -1)],
      setSelect: [
        (u) => {
          if (u.select.width < 4) return;
          on.zoom(u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x"));
          u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        },
      ],
    },
  };
}
