import { type Family, families } from "@devflow/catalogue";
import type { Sql } from "../../../platform/db/index.ts";
import { moveMark } from "./roll-up-state.ts";
import { tableOf } from "./tables.ts";

/** Rows come at most this late without being noted as late one by one. */
const graceMs = 60_000;
/** Hours that one transaction rolls up at most, and notes of late rows that one takes. */
const hoursAtOnce = 6;
const notesAtOnce = 200;
/** One roll-up at a time in a database; "devflowu" in ASCII. */
export const rollUpLock = "7234316347829352309";

/** What a run did. */
export interface RolledUp {
  /** Minutes before this are rolled up. */
  readonly minuteUntil: Date;
  /** Hours of single servers that were made again for late rows. */
  readonly lateHours: number;
}

/**
 * Rolls 10-second rows up to minutes and minutes to hours: everything up to a minute ago that was not yet, then the
 * hours of servers that late rows came for. Every step is one transaction and may be repeated.
 */
export async function rollUp({ sql, nowMs }: { sql: Sql; nowMs: number }): Promise<RolledUp> {
  await moveMark(sql, Math.floor((nowMs - graceMs) / 60_000) * 60_000);
  let minuteUntil = new Date(0);
  for (let more = true; more;) ({ more, minuteUntil } = await sql.begin((tx) => advance(tx as unknown as Sql)));
  let lateHours = 0;
  for (let taken = notesAtOnce; taken === notesAtOnce; lateHours += taken) taken = await sql.begin((tx) => redoLate(tx as unknown as Sql));
  return { minuteUntil, lateHours };
}

async function advance(tx: Sql): Promise<{ more: boolean; minuteUntil: Date }> {
  await tx.unsafe(`select pg_advisory_xact_lock(${rollUpLock})`);
  const [state] = await tx<{ from: Date; to: Date; more: boolean; hourFrom: Date; hourTo: Date }[]>`
    select minute_until as from, hour_until as "hourFrom", t.to, t.to < late_before as more, date_trunc('hour', t.to, 'UTC') as "hourTo"
    from metric_rollup_state, lateral (select least(late_before, minute_until + make_interval(hours => ${hoursAtOnce})) as to) t`;
  if (state === undefined) throw new Error("metric_rollup_state is empty: the metric tables were not prepared");
  const { from, to, more, hourFrom, hourTo } = state;
  if (from >= to) return { more: false, minuteUntil: from };
  for (const family of families) {
    await tx.unsafe(minutesSql(family, "from %source r where r.time >= $1 and r.time < $2"), [from, to] as never);
    if (hourFrom < hourTo)
      await tx.unsafe(hoursSql(family, "from %source r where r.time >= $1 and r.time < $2"), [hourFrom, hourTo] as never);
  }
  await tx`update metric_rollup_state set minute_until = ${to}, hour_until = greatest(hour_until, ${hourTo})`;
  return { more, minuteUntil: to };
}

/** Makes hours of single servers again; returns how many notes it took. */
async function redoLate(tx: Sql): Promise<number> {
  await tx.unsafe(`select pg_advisory_xact_lock(${rollUpLock})`);
  // Locked in the writers' order first: one that holds a note and waits for another must not meet us half way.
  const notes = await tx<{ serverNo: number; hour: Date }[]>`
    with taken as materialized (select server_no, hour from metric_late order by server_no, hour limit ${notesAtOnce} for update)
    delete from metric_late l using taken where l.server_no = taken.server_no and l.hour = taken.hour
    returning l.server_no as "serverNo", l.hour`;
  if (notes.length === 0) return 0;
  const parameters = [`{${notes.map((n) => n.serverNo).join(",")}}`, `{${notes.map((n) => n.hour.toISOString()).join(",")}}`];
  const late = (until: string) => `from unnest($1::text::int[], $2::text::timestamptz[]) as late (server_no, hour)
    join %source r on r.server_no = late.server_no and r.time >= late.hour and r.time < least(late.hour + interval '1 hour', (select ${until} from metric_rollup_state))`;
  for (const family of families) {
    await tx.unsafe(minutesSql(family, late("minute_until")), parameters);
    await tx.unsafe(hoursSql(family, late("hour_until")), parameters);
  }
  return notes.length;
}

/** Column of a roll-up and the expressions that make it from 10-second rows and from minutes. */
const aggregates = (family: Family): { column: string; fromRaw: string; fromMinutes: string }[] => [
  { column: "samples", fromRaw: "sum(r.samples)::smallint", fromMinutes: "sum(r.samples)::smallint" },
  ...family.measures.flatMap(({ name, max }) => [
    { column: `"${name}_sum"`, fromRaw: `sum(r."${name}")::bigint`, fromMinutes: `sum(r."${name}_sum")::bigint` },
    { column: `"${name}_count"`, fromRaw: `count(r."${name}")::smallint`, fromMinutes: `sum(r."${name}_count")::smallint` },
    { column: `"${name}_min"`, fromRaw: `min(r."${name}")`, fromMinutes: `min(r."${name}_min")` },
    ...(max ? [{ column: `"${name}_max"`, fromRaw: `max(r."${name}_max")`, fromMinutes: `max(r."${name}_max")` }] : []),
  ]),
];

/** @param from the FROM and WHERE clause, with %source for the table below as r */
function rollUpSql(family: Family, tier: "1m" | "1h", from: string): string {
  const parts = aggregates(family);
  const columns = parts.map((p) => p.column);
  const values = parts.map((p) => (tier === "1m" ? p.fromRaw : p.fromMinutes));
  return `insert into ${tableOf(family, tier)} (server_no, instance_no, time, ${columns.join(", ")})
select r.server_no, r.instance_no, date_bin('${tier === "1m" ? "1 minute" : "1 hour"}', r.time, 'epoch'), ${values.join(", ")}
${from.replace("%source", tableOf(family, tier === "1m" ? "10s" : "1m"))}
group by 1, 2, 3 order by 1, 2, 3
on conflict (server_no, instance_no, time) do update set ${columns.map((c) => `${c} = excluded.${c}`).join(", ")}`;
}
const minutesSql = (family: Family, from: string): string => rollUpSql(family, "1m", from);
const hoursSql = (family: Family, from: string): string => rollUpSql(family, "1h", from);
