import type { FleetSummary, ServerFilter } from "@devflow/api";
import type { Principal } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";
import { filterSql } from "./filter-sql.ts";
import { fromSql, stateSql } from "./server-rows.ts";
import { serverReach, withinReachSql } from "./within-reach.ts";

/**
 * Counts of the servers within reach that pass the filter, and medians over those that are online. Revoked ones count
 * only when the filter asks for a state.
 */
export async function fleetSummary({
  ctx,
  principal,
  input = {},
}: {
  ctx: Context;
  principal: Principal;
  input?: ServerFilter;
}): Promise<FleetSummary> {
  const { sql } = ctx;
  const [row] = await sql<FleetSummary[]>`
    with fleet as (
      select s.id, ${stateSql(sql)} as state, l.cpu_percent::float8 as cpu, l.disk_used_percent::float8 as disk,
        100.0::float8 * l.memory_used_bytes / nullif(l.memory_total_bytes, 0) as memory
      ${fromSql(sql)}
      where s.organization_id = ${principal.organizationId} ${withinReachSql(ctx, serverReach(principal))}
        ${input.state === undefined ? sql`and s.revoked_at is null` : sql``} ${filterSql(ctx, principal.organizationId, input)}
    ), worst as (select id, disk from fleet where state = 'online' and disk is not null order by disk desc, id limit 1),
    counted as (
      select count(*)::int as total, count(*) filter (where state = 'online')::int as online, count(*) filter (where state = 'offline')::int as offline,
        percentile_cont(array[0.5, 0.95]) within group (order by cpu) filter (where state = 'online') as cpu,
        percentile_cont(array[0.5, 0.95]) within group (order by memory) filter (where state = 'online') as memory
      from fleet
    )
    select total, online, offline, cpu[1] as "cpuMedianPercent", cpu[2] as "cpuP95Percent",
      memory[1] as "memoryMedianPercent", memory[2] as "memoryP95Percent",
      (select disk from worst) as "diskWorstPercent", (select id from worst) as "diskWorstServerId"
    from counted`;
  return row!;
}
