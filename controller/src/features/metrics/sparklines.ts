import { familyByName, type Family, type Measure } from "@devflow/catalogue";
import type { Context } from "../../platform/context.ts";
import { until } from "./storage/views.ts";

/** Minutes that a sparkline shows, the current one included. */
const minutes = 30;

/** Percent by the minute, oldest first; null where nothing was measured. */
export interface Sparkline {
  readonly cpu: (number | null)[];
  readonly memory: (number | null)[];
}

const host = familyByName("host") as Family;
const cpuStep = (host.measures.find((m) => m.name === "cpu_busy") as Measure).step;

/** The last 30 minutes of several servers in one query; servers without values are left out. */
export async function sparklines({
  ctx,
  input,
}: {
  ctx: Pick<Context, "sql" | "clock">;
  input: { readonly serverNos: readonly number[] };
}): Promise<Map<number, Sparkline>> {
  const result = new Map<number, Sparkline>();
  if (input.serverNos.length === 0) return result;
  const fromMs = Math.floor(ctx.clock.now() / 60_000) * 60_000 - (minutes - 1) * 60_000;
  const rows = await ctx.sql.unsafe<{ serverNo: number; minute: number; cpu: number | null; memory: number | null }[]>(
    `select server_no as "serverNo", (extract(epoch from date_bin('1 minute', time, $2::timestamptz) - $2::timestamptz)::float8 / 60)::int as minute,
       sum(cpu) / nullif(sum(cpu_n), 0) * ${cpuStep}::float8 as cpu, 100 * sum(used) / nullif(sum(total), 0) as memory
     from (
       select server_no, time, cpu_busy_sum::float8 as cpu, cpu_busy_count::int as cpu_n, memory_used_sum::float8 as used, memory_total_sum::float8 as total
       from metric_host_1m where server_no = any($1::text::int[]) and time >= $2::timestamptz and time < ${until("1m")}
       union all
       select server_no, time, cpu_busy::float8, (cpu_busy is not null)::int, memory_used::float8, memory_total::float8
       from metric_host_10s where server_no = any($1::text::int[]) and time >= $2::timestamptz and time >= ${until("1m")}
     ) as source group by 1, 2`,
    [`{${input.serverNos.join(",")}}`, new Date(fromMs)] as never,
    { prepare: true },
  );
  const rounded = (value: number | null): number | null => (value === null ? null : Math.round(value * 100) / 100);
  for (const { serverNo, minute, cpu, memory } of rows) {
    if (minute < 0 || minute >= minutes) continue;
    let line = result.get(serverNo);
    if (line === undefined) {
      line = { cpu: Array.from({ length: minutes }, () => null), memory: Array.from({ length: minutes }, () => null) };
      result.set(serverNo, line);
    }
    line.cpu[minute] = rounded(cpu);
    line.memory[minute] = rounded(memory);
  }
  return result;
}
