import type postgres from "postgres";
import { arrayLiteral } from "../../platform/db/index.ts";
import type { Latest } from "./latest.ts";

/** Writes newest values; older ones than those stored change nothing. */
export async function upsertLatest(tx: postgres.TransactionSql, latest: readonly Latest[]): Promise<void> {
  if (latest.length === 0) return;
  // In one order everywhere, so that two gateways cannot wait for each other.
  const rows = latest.toSorted((a, b) => a.serverNo - b.serverNo);
  await tx`
    insert into server_latest as l (server_no, time, cpu_percent, load_1, memory_used_bytes, memory_total_bytes, disk_used_percent, disk_mount, receive_bytes_per_second, transmit_bytes_per_second)
    select server_no, to_timestamp(time_s), cpu_percent, load_1, memory_used, memory_total, disk_used, disk_mount, receive, transmit
    from unnest(
      ${arrayLiteral(rows.map((r) => r.serverNo))}::int[], ${arrayLiteral(rows.map((r) => r.timeS))}::float8[], ${arrayLiteral(rows.map((r) => r.cpuPercent))}::real[], ${arrayLiteral(rows.map((r) => r.load1))}::real[],
      ${arrayLiteral(rows.map((r) => r.memoryUsedBytes))}::bigint[], ${arrayLiteral(rows.map((r) => r.memoryTotalBytes))}::bigint[], ${arrayLiteral(rows.map((r) => r.diskUsedPercent))}::real[], ${arrayLiteral(rows.map((r) => r.diskMount))}::text[],
      ${arrayLiteral(rows.map((r) => r.receiveBytesPerSecond))}::bigint[], ${arrayLiteral(rows.map((r) => r.transmitBytesPerSecond))}::bigint[]
    ) as t (server_no, time_s, cpu_percent, load_1, memory_used, memory_total, disk_used, disk_mount, receive, transmit)
    on conflict (server_no) do update set
      time = excluded.time, cpu_percent = excluded.cpu_percent, load_1 = excluded.load_1,
      memory_used_bytes = excluded.memory_used_bytes, memory_total_bytes = excluded.memory_total_bytes,
      disk_used_percent = excluded.disk_used_percent, disk_mount = excluded.disk_mount,
      receive_bytes_per_second = excluded.receive_bytes_per_second, transmit_bytes_per_second = excluded.transmit_bytes_per_second,
      written_by = pg_current_xact_id()
    where excluded.time > l.time`;
}
