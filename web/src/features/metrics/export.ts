import { toCsv } from "#ui/csv.ts";
import type { Dataset } from "./dataset.ts";

/** All series of a page as CSV: a row a point, RFC 3339 times, natural units. */
export function metricsCsv(data: Dataset): string {
  const series = [...data.series].flatMap(([metric, list]) =>
    list.map((s) => ({ name: s.instance === "" ? metric : `${metric}{${s.instance}}`, mean: s.mean })),
  );
  return toCsv(
    ["time", ...series.map((s) => s.name)],
    data.times.map((t, i) => [new Date(t * 1000).toISOString(), ...series.map((s) => s.mean[i] ?? null)]),
  );
}
