import type { Unit } from "@devflow/catalogue";
import { formatBytes } from "@devflow/units";

/** A tick of the axis: as short as the step allows. */
export function formatTick(value: number, unit: Unit): string {
  if (unit === "percent") return `${Number(value.toPrecision(3))} %`;
  if (unit === "bytes" || unit === "bytes_per_second") return value === 0 ? "0" : formatBytes(value);
  if (unit === "milliseconds") return `${Number(value.toPrecision(3))} ms`;
  if (value >= 1000) return `${Number((value / 1000).toPrecision(3))} k`;
  return String(Number(value.toPrecision(3)));
}

const decimal = [1, 2, 4, 5, 10];
const binary = [1, 2, 4, 10, 20, 40, 64, 100, 128, 200, 256, 400, 512, 1024];

/**
 * Top of an axis that begins at 0: a number whose half is clean too, in the unit's own steps.
 * @param largest of what is drawn
 */
export function niceTop(largest: number, unit: Unit): number {
  const floor =
    unit === "percent" ? 1 : unit === "bytes" || unit === "bytes_per_second" ? 1024 : unit === "ratio" || unit === "milliseconds" ? 0.2 : 2;
  // Shares of a whole end at the whole.
  if (unit === "percent" && largest > 50 && largest <= 100) return 100;
  const value = Math.max(largest * 1.02, floor);
  if (unit === "bytes" || unit === "bytes_per_second") {
    const base = 1024 ** Math.floor(Math.log2(value) / 10);
    return (binary.find((n) => n * base >= value) ?? 1024) * base;
  }
  const base = 10 ** Math.floor(Math.log10(value));
  return (decimal.find((n) => n * base >= value * (1 - 1e-9)) ?? 10) * base;
}

const two = (n: number) => String(n).padStart(2, "0");

/** Ticks of the time axis in the reader's zone: clock times under two days, days above. */
export function timeTick(seconds: number, spanSeconds: number): string {
  const d = new Date(seconds * 1000);
  const clock = `${two(d.getHours())}:${two(d.getMinutes())}`;
  if (spanSeconds <= 600) return `${clock}:${two(d.getSeconds())}`;
  if (spanSeconds <= 2 * 86_400) return clock;
  return `${d.getDate()} ${d.toLocaleString("en", { month: "short" })}${spanSeconds < 5 * 86_400 ? ` ${clock}` : ""}`;
}

/** Places of time ticks: round local times, as many as fit. */
export function timeSplits(from: number, to: number, widthPixels: number): number[] {
  const steps = [
    5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 432_000, 864_000, 2_592_000,
  ];
  const wanted = (to - from) / Math.max(2, Math.floor(widthPixels / 110));
  const step = steps.find((s) => s >= wanted) ?? 2_592_000;
  const shift = new Date(from * 1000).getTimezoneOffset() * 60;
  // A tick at the very edge would stand under the value axis, or half outside; seconds make it longer.
  const half = to - from <= 600 ? 26 : 17;
  const edge = ((to - from) * half) / Math.max(2 * half, widthPixels);
  const first = Math.ceil((from + edge - shift) / step) * step + shift;
  const splits: number[] = [];
  for (let t = first; t <= to - edge; t += step) splits.push(t);
  return splits;
}

/** "10 s a point". */
export const formatStep = (seconds: number): string =>
  `${seconds % 86_400 === 0 ? `${seconds / 86_400} d` : seconds % 3600 === 0 ? `${seconds / 3600} h` : seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`} a point`;
