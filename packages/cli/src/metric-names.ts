import { families } from "@devflow/catalogue";
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
