import type { Server } from "@devflow/api";
import { conditionOf, memoryPercent, networkRate, type Tone } from "./values.ts";

export const sortKeys = ["name", "state", "cpu", "memory", "disk", "network", "seen"] as const;
export type SortKey = (typeof sortKeys)[number];
export interface Sort {
  readonly key: SortKey;
  readonly descending: boolean;
}

const severity: Record<Tone, number> = { bad: 0, warn: 1, busy: 2, idle: 3, good: 4 };
const names = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

const values: Record<Exclude<SortKey, "name">, (s: Server) => number | null> = {
  state: (s) => severity[conditionOf(s).tone],
  cpu: (s) => (s.state === "online" ? (s.latest?.cpuPercent ?? null) : null),
  memory: (s) => (s.state === "online" ? memoryPercent(s.latest) : null),
  disk: (s) => s.latest?.diskUsedPercent ?? null,
  network: (s) => (s.state === "online" ? networkRate(s.latest) : null),
  seen: (s) => (s.lastSeenAt === null ? null : Date.parse(s.lastSeenAt)),
};

/** "-cpu" → CPU, largest first. Anything unknown: by name. */
export function parseSort(text: string | null): Sort {
  const key = text?.replace(/^-/, "") as SortKey;
  return sortKeys.includes(key) ? { key, descending: text?.startsWith("-") ?? false } : { key: "name", descending: false };
}
export const formatSort = (sort: Sort): string => `${sort.descending ? "-" : ""}${sort.key}`;

/** The next order when a column's head is pressed: quantities begin with the largest, words with the first. */
export function nextSort(current: Sort, key: SortKey): Sort {
  if (current.key === key) return { key, descending: !current.descending };
  return { key, descending: key !== "name" && key !== "state" };
}

/** A sorted copy; what was not measured comes last either way, equal ones by name. */
export function sortServers(servers: readonly Server[], { key, descending }: Sort): Server[] {
  const sign = descending ? -1 : 1;
  if (key === "name") return servers.toSorted((a, b) => sign * names.compare(a.name, b.name));
  const read = values[key];
  return servers
    .map((server) => ({ server, value: read(server) }))
    .sort((a, b) => {
      if (a.value === b.value) return names.compare(a.server.name, b.server.name);
      if (a.value === null) return 1;
      if (b.value === null) return -1;
      return sign * (a.value - b.value);
    })
    .map((x) => x.server);
}
