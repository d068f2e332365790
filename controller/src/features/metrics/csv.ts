import type { MetricsResult } from "@devflow/api";

const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;

/** RFC 4180: one line a step, one column a series (mean, and maximum where one is kept), times in RFC 3339. */
export function toCsv({ times, series }: MetricsResult): string {
  const columns = series.flatMap(({ metric, instance, unit, mean, max }) => {
    const name = instance === "" ? metric : `${metric}[${instance}]`;
    return [{ name: `${name} ${unit}`, values: mean }, ...(max === null ? [] : [{ name: `${name} max ${unit}`, values: max }])];
  });
  const lines = [["time", ...columns.map(({ name }) => quoted(name))].join(",")];
  for (const [i, time] of times.entries())
    lines.push([new Date(time * 1000).toISOString(), ...columns.map(({ values }) => values[i] ?? "")].join(","));
  return `${lines.join("\r\n")}\r\n`;
}
