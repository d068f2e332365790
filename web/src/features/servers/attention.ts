import type { Server } from "@devflow/api";
import { formatBytes, formatPercent } from "@devflow/units";
import { limits, memoryPercent, type Tone } from "./values.ts";

export interface Concern {
  readonly server: Server;
  readonly tone: Tone;
  /** What is wrong, without the server's name. */
  readonly what: string;
  readonly detail: string;
  /** When it began, where that is known. */
  readonly since: string | null;
  /** Tab of the server's page that shows it. */
  readonly tab: "" | "disks" | "inventory" | "settings";
  readonly weight: number;
}

/** As it is shown: what flickers between two numbers does not come and go. */
const rounded = (percent: number | null) => (percent === null ? null : Math.round(percent));

function concernsOf(server: Server): Concern[] {
  const found: Concern[] = [];
  const add = (tone: Tone, weight: number, what: string, detail: string, tab: Concern["tab"] = "", since: string | null = null) =>
    found.push({ server, tone, weight, what, detail, since, tab });

  if (server.state === "quarantined")
    add("warn", 900, "quarantined", "This database does not know its certificate. Release or delete it.", "", server.stateSince);
  if (server.state === "offline") {
    const load = server.latest?.load1;
    add(
      "idle",
      300,
      "offline",
      load == null ? "It never reported a value." : `Last seen with load ${load.toFixed(1)}.`,
      "",
      server.stateSince,
    );
  }
  for (const w of server.warnings) add("warn", 500, w.code.replaceAll("_", " "), w.message, "", w.since);
  if (server.state !== "online" || server.latest === null) return found;

  const { diskMount, memoryUsedBytes: used, memoryTotalBytes: total, load1 } = server.latest;
  const [disk, cpu] = [rounded(server.latest.diskUsedPercent), rounded(server.latest.cpuPercent)];
  const memory = rounded(memoryPercent(server.latest));
  if (memory !== null && memory > limits.memory.warn) {
    const bad = memory > limits.memory.bad;
    add(
      bad ? "bad" : "warn",
      (bad ? 1000 : 400) + memory,
      `memory ${formatPercent(memory)}`,
      `${formatBytes(used ?? 0)} of ${formatBytes(total ?? 0)} in use`,
    );
  }
  if (disk !== null && disk > limits.disk.warn) {
    const bad = disk > limits.disk.bad;
    add(
      bad ? "bad" : "warn",
      (bad ? 1000 : 400) + disk,
      `disk ${formatPercent(disk)}`,
      `${diskMount ?? "A file system"} is filling up`,
      "disks",
    );
  }
  if (cpu !== null && cpu > limits.cpu.warn)
    add("warn", 400 + cpu, `CPU ${formatPercent(cpu)}`, load1 === null ? "Of all CPUs together" : `Load ${load1.toFixed(1)}`);
  return found;
}

/**
 * What a person should look at, worst first.
 * @param max how many are kept; the whole number is given beside
 */
export function concerns(servers: Iterable<Server>, max: number): { items: Concern[]; total: number } {
  const found: Concern[] = [];
  for (const server of servers) found.push(...concernsOf(server));
  found.sort((a, b) => b.weight - a.weight || a.server.name.localeCompare(b.server.name));
  return { items: found.slice(0, max), total: found.length };
}
