import type { FleetSummary } from "@devflow/api";
import type { Principal } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";
import { fromSql, stateSql } from "./server-rows.ts";

/** Counts of all servers that may connect, and medians over those that are online. */
export async function fleetSummary({ ctx, principal }: { ctx: Context; principal: Principal }): Promise<FleetSummary> {
  const { sql } = ctx;
  const [row] = await sql<FleetSummary[]>`
    with fleet as (
      select s.id, ${stateSql(sql)} as state, l.cpu_percent::float8 as cpu, l.disk_used_percent::float8 as disk,
        100.0 * l.memory_used_bytes / nullif(l.memory_total_bytes, 0) as memory
      ${fromSql(sql)}
      where s.organization_id = ${principal.organizationId} and s.revoked_at is null
    ), online as (select * from fleet where state = 'online'),
    worst as (select id, disk from online where disk is not null order by disk desc, id limit 1)
    select (select count(*)::int from fleet) as total, count(*)::int as online,
      (select count(*)::int from fleet where state = 'offline') as offline,
      percentile_cont(0.5) within group (order by cpu) as "cpuMedianPercent",
      percentile_cont(0.95) within group (order by cpu) as "cpuP95Percent",
      percentile_cont(0.5) within group (order by memory::float8) as "memoryMedianPercent",
      percentile_cont(0.95) within group (order by memory::float8) as "memoryP95Percent",
      (select disk from worst) as "diskWorstPercent", (select id from worst) as "diskWorstServerId"
    from online`;
  return row!;
}
