import type { Server } from "@devflow/api";

/** A server for tests: online, idle, nothing wrong. */
export const testServer = (over: Partial<Server> & { latest?: Server["latest"] } = {}): Server => ({
  id: over.name ?? "web-01",
  name: "web-01",
  hostname: "web-01.example",
  state: "online",
  stateSince: "2026-11-20T10:00:00.000Z",
  lastSeenAt: "2026-11-20T10:00:00.000Z",
  enrolledAt: "2026-11-01T10:00:00.000Z",
  roundTripMs: 3,
  agentVersion: "0.1.0",
  osName: "Debian GNU/Linux 12",
  monitorOnly: false,
  tags: [],
  groupId: null,
  latest: latest(),
  warnings: [],
  ...over,
});

/** Newest values for tests. */
export const latest = (over: Partial<NonNullable<Server["latest"]>> = {}): NonNullable<Server["latest"]> => ({
  time: "2026-11-20T10:00:00.000Z",
  cpuPercent: 12,
  load1: 0.4,
  memoryUsedBytes: 2 ** 30,
  memoryTotalBytes: 2 ** 32,
  diskUsedPercent: 40,
  diskMount: "/",
  receiveBytesPerSecond: 1000,
  transmitBytesPerSecond: 500,
  ...over,
});
