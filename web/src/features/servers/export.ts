import type { Server } from "@devflow/api";
import { toCsv } from "#ui/csv.ts";
import { memoryPercent } from "./values.ts";

const round = (n: number | null | undefined): number | null => (n == null ? null : Math.round(n * 100) / 100);

/** The servers as CSV, in the order given; units stand in the head. */
export const serversCsv = (servers: readonly Server[], groupName: (id: string) => string | null): string =>
  toCsv(
    [
      "id",
      "name",
      "hostname",
      "state",
      "group",
      "tags",
      "os",
      "agent",
      "cpu_percent",
      "load_1",
      "memory_percent",
      "memory_total_bytes",
      "disk_percent",
      "disk_mount",
      "receive_bytes_per_second",
      "transmit_bytes_per_second",
      "last_seen_at",
    ],
    servers.map((s) => [
      s.id,
      s.name,
      s.hostname,
      s.state,
      s.groupId === null ? "" : groupName(s.groupId),
      s.tags.join(" "),
      s.osName,
      s.agentVersion,
      round(s.latest?.cpuPercent),
      round(s.latest?.load1),
      round(memoryPercent(s.latest)),
      s.latest?.memoryTotalBytes ?? null,
      round(s.latest?.diskUsedPercent),
      s.latest?.diskMount ?? null,
      round(s.latest?.receiveBytesPerSecond),
      round(s.latest?.transmitBytesPerSecond),
      s.lastSeenAt,
    ]),
  );
