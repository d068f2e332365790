import type { FleetSummary, Server } from "@devflow/api";
import { memoryPercent } from "./values.ts";

/** The value below which a share of the sorted list lies, between two neighbours when it has to be (as percentile_cont). */
function percentile(sorted: readonly number[], share: number): number | null {
  if (sorted.length === 0) return null;
  const at = (sorted.length - 1) * share;
  const [low, high] = [sorted[Math.floor(at)] as number, sorted[Math.ceil(at)] as number];
  return low + (high - low) * (at - Math.floor(at));
}

/** Counts and medians of some servers, as GET /api/v1/servers/summary gives them for a filter. */
export function figuresOf(servers: readonly Server[]): FleetSummary {
  const online = servers.filter(({ state }) => state === "online");
  const sorted = (read: (server: Server) => number | null) =>
    online
      .map(read)
      .filter((value) => value !== null)
      .sort((a, b) => a - b);
  const cpu = sorted(({ latest }) => latest?.cpuPercent ?? null);
  const memory = sorted(({ latest }) => memoryPercent(latest));
  const disk = (server: Server | null) => server?.latest?.diskUsedPercent ?? -1;
  const worst = online.reduce<Server | null>((most, server) => (disk(server) > disk(most) ? server : most), null);
  return {
    total: servers.length,
    online: online.length,
    offline: servers.filter(({ state }) => state === "offline").length,
    cpuMedianPercent: percentile(cpu, 0.5),
    cpuP95Percent: percentile(cpu, 0.95),
    memoryMedianPercent: percentile(memory, 0.5),
    memoryP95Percent: percentile(memory, 0.95),
    diskWorstPercent: worst?.latest?.diskUsedPercent ?? null,
    diskWorstServerId: worst?.id ?? null,
  };
}
