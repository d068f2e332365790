import { lt, sql } from "drizzle-orm";
import type { Context } from "../context.ts";
import type { Lease } from "./request-limits.ts";
import { limitWindows } from "./schema.ts";

/** A database that does not answer must not hold requests up. */
const patienceMs = 500;

/** Leases from the table that all controllers share. Throws when it does not answer in time. */
export function leaseFromDatabase(ctx: Pick<Context, "sql">): Lease {
  return async (key, count, endsAtMs) => {
    const leased = ctx.sql<{ used: number }[]>`
      insert into limit_windows as w (key, used, ends_at) values (${key}, ${count}, ${new Date(endsAtMs)})
      on conflict (key) do update set used = least(w.used::bigint + excluded.used, 2000000000)
      returning used`;
    // Whoever waits for the lease hears of its failure; when nobody waits any more, nobody has to.
    leased.catch(() => undefined);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`the database did not answer within ${patienceMs} ms`)), patienceMs);
    });
    try {
      return (await Promise.race([leased, late]))[0]!.used;
    } finally {
      clearTimeout(timer);
    }
  };
}

/** Forgets windows that have ended. */
export async function purgeWindows(ctx: Pick<Context, "db" | "clock">): Promise<void> {
  await ctx.db.delete(limitWindows).where(lt(limitWindows.endsAt, sql`${new Date(ctx.clock.now() - 60_000).toISOString()}::timestamptz`));
}
