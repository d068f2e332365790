import type postgres from "postgres";
import type { Sql } from "../../../platform/db/index.ts";

/** Held shared by every transaction that writes 10-second rows, alone while the roll-up moves its mark. "devflowr" in ASCII. */
const markLock = "7234316347829352306";

/**
 * What the roll-up knows:
 * - minute_until, hour_until: minutes and hours before these are rolled up; charts read newer ones from the tier below.
 * - late_before: never behind minute_until. A row older than this is late: its writer notes server and hour in
 *   metric_late, and the roll-up makes these again.
 *
 * The function takes the lock before it reads the mark (each statement in it sees what was committed by then), so that
 * a row is either there when its minute is rolled up, or noted. An update of a note that is there already waits for
 * the roll-up which is about to take it, for the same reason.
 */
export const createRollUpState = `
create table if not exists metric_rollup_state (
  singleton smallint primary key check (singleton = 1),
  late_before timestamptz not null,
  minute_until timestamptz not null,
  hour_until timestamptz not null
);
create table if not exists metric_late (
  server_no integer not null,
  hour timestamptz not null,
  notes integer not null default 1,
  primary key (server_no, hour)
);
create or replace function metric_note_rows(server_nos integer[], times_s bigint[]) returns void language plpgsql as $$
declare mark bigint;
begin
  perform pg_advisory_xact_lock_shared(${markLock});
  select extract(epoch from late_before)::bigint into mark from metric_rollup_state;
  if (select min(t) from unnest(times_s) t) < mark then
    insert into metric_late as l (server_no, hour)
    select distinct r.server_no, to_timestamp(r.time_s - r.time_s % 3600) from unnest(server_nos, times_s) as r (server_no, time_s)
    where r.time_s < mark order by 1, 2
    on conflict (server_no, hour) do update set notes = l.notes + 1;
  end if;
end $$`;

/** The first mark: before the oldest row that may still come. */
export const initializeRollUpState = (fromMs: number): string => {
  const hour = new Date(Math.floor(fromMs / 3_600_000) * 3_600_000).toISOString();
  return `insert into metric_rollup_state values (1, '${hour}', '${hour}', '${hour}') on conflict do nothing`;
};

/**
 * Tells the roll-up which rows a transaction wrote. Every transaction that writes 10-second rows calls it once, before
 * or after writing; what is not late costs one round trip and no write.
 * @param serverNos server of each batch
 * @param timesS start of each batch's interval, seconds since 1970-01-01 UTC
 */
export async function noteRows(
  tx: Pick<postgres.TransactionSql, "unsafe">,
  serverNos: readonly number[],
  timesS: readonly number[],
): Promise<void> {
  await tx.unsafe("select metric_note_rows($1::text::integer[], $2::text::bigint[])", [
    `{${serverNos.join(",")}}`,
    `{${timesS.join(",")}}`,
  ]);
}

/** Moves late_before to `toMs`, never back. Afterwards no transaction is open that wrote an older row without noting it. */
export async function moveMark(sql: Sql, toMs: number): Promise<void> {
  await sql.begin(async (tx) => {
    await tx.unsafe(`select pg_advisory_xact_lock(${markLock})`);
    await tx`update metric_rollup_state set late_before = greatest(late_before, ${new Date(toMs)})`;
  });
}

/** Up to when minutes and hours are rolled up, milliseconds since 1970-01-01 UTC. */
export interface RolledUntil {
  readonly minuteMs: number;
  readonly hourMs: number;
}

const cached = new WeakMap<Sql, { readonly at: number; readonly value: Promise<RolledUntil> }>();
const cacheMs = 30_000;

/** The roll-up's bounds, at most 30 s old: they only move forward, so an older one is right for reading too. */
export function rolledUntil(sql: Sql): Promise<RolledUntil> {
  const known = cached.get(sql);
  if (known !== undefined && performance.now() - known.at < cacheMs) return known.value;
  const value = sql<{ minute: Date; hour: Date }[]>`select minute_until as minute, hour_until as hour from metric_rollup_state`.then(
    ([row]) => {
      if (row === undefined) throw new Error("metric_rollup_state is empty: the metric tables were not prepared");
      return { minuteMs: row.minute.getTime(), hourMs: row.hour.getTime() };
    },
  );
  cached.set(sql, { at: performance.now(), value });
  value.catch(() => cached.delete(sql));
  return value;
}
