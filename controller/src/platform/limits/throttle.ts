import { createHash } from "node:crypto";
import type { Context } from "../context.ts";

/**
 * Counts attempts in a window, for everything that can be guessed; all controllers of an installation count together.
 * A window begins with its first attempt. Without the database it throws, since nothing can be checked then either.
 */
export interface Throttle {
  /**
   * Counts one attempt under each key, unless one of them is used up: then nothing is counted.
   * @returns seconds to wait before the next attempt; 0: go on
   */
  count(keys: readonly string[]): Promise<number>;
  /** The same without counting. */
  waitSeconds(keys: readonly string[]): Promise<number>;
  /** Takes one counted attempt back: it was right. */
  takeBack(keys: readonly string[]): Promise<void>;
  /** Forgets these keys. */
  forget(keys: readonly string[]): Promise<void>;
}

export interface AttemptLimit {
  /** Of the keys that it is about. */
  readonly prefix: string;
  /** Attempts allowed in a window. */
  readonly attempts: number;
}

/** Keys hold e-mail addresses; the table need not. */
const rowKey = (key: string) => `try:${key.slice(0, key.indexOf(":"))}:${createHash("sha256").update(key).digest("base64url")}`;

/** @param windowMs default 15 minutes */
export function createThrottle(ctx: Pick<Context, "sql" | "clock">, limits: readonly AttemptLimit[], windowMs = 900_000): Throttle {
  const { sql } = ctx;
  const allowed = (key: string) => limits.find(({ prefix }) => key.startsWith(prefix))?.attempts ?? Infinity;
  /** Sorted, so that two transactions never wait for each other. */
  const rows = (keys: readonly string[]) =>
    new Map([...keys].map((key) => [rowKey(key), key] as const).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  const text = (keys: readonly string[]) => [...rows(keys).keys()].join(",");
  const wait = (keys: readonly string[], counted: readonly { key: string; used: number; endsAt: Date }[], beyond: number) => {
    const names = rows(keys);
    return counted.reduce((seconds, row) => {
      if (row.used - beyond < allowed(names.get(row.key)!)) return seconds;
      return Math.max(seconds, Math.ceil((row.endsAt.getTime() - ctx.clock.now()) / 1000));
    }, 0);
  };
  /** Takes the rows in the order in which they are counted; the order of a statement's own scan would be any. */
  const locked = (keys: readonly string[]) =>
    sql`locked as materialized (select key from limit_windows where key = any(string_to_array(${text(keys)}, ',')) order by key for update)`;
  const takeBack = async (keys: readonly string[]) => {
    await sql`with ${locked(keys)} update limit_windows w set used = greatest(used - 1, 0) from locked where w.key = locked.key`;
  };
  return {
    async count(keys) {
      const now = new Date(ctx.clock.now());
      const counted = await sql<{ key: string; used: number; endsAt: Date }[]>`
        insert into limit_windows as w (key, used, ends_at)
        select key, 1, ${new Date(now.getTime() + windowMs)}::timestamptz from unnest(string_to_array(${text(keys)}, ',')) key order by key
        on conflict (key) do update set
          used = case when w.ends_at <= ${now} then 1 else w.used + 1 end,
          ends_at = case when w.ends_at <= ${now} then excluded.ends_at else w.ends_at end
        returning key, used, ends_at as "endsAt"`;
      const seconds = wait(keys, counted, 1);
      if (seconds > 0) await takeBack(keys);
      return seconds;
    },
    async waitSeconds(keys) {
      const counted = await sql<{ key: string; used: number; endsAt: Date }[]>`
        select key, used, ends_at as "endsAt" from limit_windows
        where key = any(string_to_array(${text(keys)}, ',')) and ends_at > ${new Date(ctx.clock.now())}`;
      return wait(keys, counted, 0);
    },
    takeBack,
    async forget(keys) {
      await sql`with ${locked(keys)} delete from limit_windows w using locked where w.key = locked.key`;
    },
  };
}
