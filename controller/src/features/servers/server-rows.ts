import type { Server, ServerState } from "@devflow/api";
import type { Sql } from "../../platform/db/index.ts";

/** A server as SQL gives it; times in milliseconds, so that it does not matter how the client parses them. */
export interface ServerRow {
  id: string;
  name: string;
  hostname: string;
  state: ServerState;
  stateSinceMs: number;
  lastSeenMs: number | null;
  enrolledMs: number;
  roundTripMs: number | null;
  agentVersion: string | null;
  osName: string | null;
  monitorOnly: boolean | null;
  tags: string[];
  groupId: string | null;
  warnings: Server["warnings"];
  latestMs: number | null;
  cpuPercent: number | null;
  load1: number | null;
  memoryUsedBytes: number | null;
  memoryTotalBytes: number | null;
  diskUsedPercent: number | null;
  diskMount: string | null;
  receiveBytesPerSecond: number | null;
  transmitBytesPerSecond: number | null;
  /** What the list is sorted by. */
  sortValue: string | number;
}

/** State from the columns of servers s and agent_sessions a. */
export const stateSql = (sql: Sql) => sql`case
  when s.revoked_at is not null then 'revoked'
  when s.quarantined_at is not null then 'quarantined'
  when a.server_id is not null then 'online'
  when s.first_connected_at is null then 'pending'
  else 'offline' end`;

/** servers s with their connection a and newest values l. */
export const fromSql = (sql: Sql) => sql`
  from servers s
  left join agent_sessions a on a.server_id = s.id
  left join server_latest l on l.server_no = s.server_no`;

const ms = (sql: Sql, column: string) => sql`extract(epoch from ${sql.unsafe(column)})::float8 * 1000`;

/** The columns of ServerRow, apart from sortValue. */
export const columnsSql = (sql: Sql) => sql`
  s.id, s.name, s.hostname, ${stateSql(sql)} as state, ${ms(sql, "s.state_since")} as "stateSinceMs",
  ${ms(sql, "greatest(s.last_seen_at, a.last_seen_at)")} as "lastSeenMs", ${ms(sql, "s.enrolled_at")} as "enrolledMs",
  s.round_trip_ms as "roundTripMs", s.agent_version as "agentVersion", s.os_name as "osName", s.monitor_only as "monitorOnly",
  to_json(s.tags) as tags, s.group_id as "groupId", s.warnings, ${ms(sql, "l.time")} as "latestMs", l.cpu_percent as "cpuPercent", l.load_1 as "load1",
  l.memory_used_bytes::float8 as "memoryUsedBytes", l.memory_total_bytes::float8 as "memoryTotalBytes",
  l.disk_used_percent as "diskUsedPercent", l.disk_mount as "diskMount",
  l.receive_bytes_per_second::float8 as "receiveBytesPerSecond", l.transmit_bytes_per_second::float8 as "transmitBytesPerSecond"`;

const iso = (timeMs: number) => new Date(timeMs).toISOString();
const isoOrNull = (timeMs: number | null) => (timeMs === null ? null : iso(timeMs));

/** A row as the API shows it. server_no stays inside. */
export function toServer(row: ServerRow): Server {
  return {
    id: row.id,
    name: row.name,
    hostname: row.hostname,
    state: row.state,
    stateSince: iso(row.stateSinceMs),
    lastSeenAt: isoOrNull(row.lastSeenMs),
    enrolledAt: iso(row.enrolledMs),
    roundTripMs: row.roundTripMs,
    agentVersion: row.agentVersion,
    osName: row.osName,
    monitorOnly: row.monitorOnly,
    tags: row.tags,
    groupId: row.groupId,
    latest:
      row.latestMs === null
        ? null
        : {
            time: iso(row.latestMs),
            cpuPercent: row.cpuPercent,
            load1: row.load1,
            memoryUsedBytes: row.memoryUsedBytes,
            memoryTotalBytes: row.memoryTotalBytes,
            diskUsedPercent: row.diskUsedPercent,
            diskMount: row.diskMount,
            receiveBytesPerSecond: row.receiveBytesPerSecond,
            transmitBytesPerSecond: row.transmitBytesPerSecond,
          },
    warnings: row.warnings,
  };
}
