import { families, type Unit } from "@devflow/catalogue";
import { formatByteRate, formatBytes, formatCount, formatDuration, formatPercent } from "@devflow/units";
import { Failure } from "./failure.ts";

/** Short names for what people look at most. */
export const aliases: Readonly<Record<string, readonly string[]>> = {
  cpu: ["host.cpu_busy"],
  load: ["host.load_1"],
  memory: ["host.memory_used"],
  swap: ["host.swap_used"],
  disk: ["filesystem.used"],
  io: ["disk.read", "disk.write"],
  network: ["network.receive", "network.transmit"],
  processes: ["host.processes"],
};

/** All "family.measure" names. */
export const metricNames: readonly string[] = families.flatMap((family) => family.measures.map(({ name }) => `${family.name}.${name}`));

/** "cpu,network" → the API's names. Throws Failure for a name that there is not. */
export function readMetrics(text: string): string[] {
  const names = text.split(",").flatMap((word) => aliases[word.trim()] ?? [word.trim()]);
  const known = (name: string) => metricNames.includes(name) || families.some((family) => name === `${family.name}.*`);
  const unknown = names.filter((name) => !known(name));
  if (unknown.length > 0)
    throw new Failure(
      "usage",
      `There is no metric ${unknown.join(", ")}`,
      `Short names: ${Object.keys(aliases).join(", ")}. All others are family.measure, such as host.cpu_iowait, or family.*: ${families.map(({ name }) => name).join(", ")}`,
    );
  return [...new Set(names)];
}

/** A value in its unit, for people. */
export function formatValue(unit: string, value: number | null): string {
  if (value === null) return "–";
  switch (unit as Unit) {
    case "percent":
      return formatPercent(value);
    case "bytes":
      return formatBytes(value);
    case "bytes_per_second":
      return formatByteRate(value);
    case "per_second":
      return `${formatCount(value)}/s`;
    case "milliseconds":
      return `${formatCount(value)} ms`;
    case "seconds":
      return formatDuration(value);
    case "count":
      return formatCount(value);
    case "ratio":
      return value.toFixed(2);
    default:
      return String(value);
  }
}
