import type { EventRetention } from "@devflow/api";
import { sql } from "drizzle-orm";
import { writeAudit } from "../../platform/audit/index.ts";
import type { Principal } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";
import { mergeSetting } from "../../platform/settings/index.ts";
import type { Database } from "../../platform/db/index.ts";

const defaultDays = 90;
const batchRows = 5_000;

/** For how many days events are kept; setting "retention" of the installation. */
export async function readEventRetention({ ctx }: { ctx: { readonly db: Pick<Database, "execute"> } }): Promise<EventRetention> {
  const [row] = await ctx.db.execute<{ days: number | null }>(
    sql`select (value->>'eventDays')::int as days from settings where key = 'retention'`,
  );
  return { days: row?.days ?? defaultDays };
}

/** Settles for how long events are kept; older ones leave with the next run of the job. */
export async function putEventRetention({
  ctx,
  principal,
  input,
}: {
  ctx: Context;
  principal: Principal;
  input: EventRetention;
}): Promise<EventRetention> {
  await ctx.db.transaction(async (tx) => {
    const before = await readEventRetention({ ctx: { db: tx } });
    await mergeSetting(tx, ctx, "retention", { eventDays: input.days });
    await writeAudit(tx, principal, {
      action: "settings.update",
      targetKind: "setting",
      targetId: "event-retention",
      before,
      after: input,
    });
  });
  return input;
}

/** Deletes events past their time, a batch a statement, so that none of them holds others up. Returns how many. */
export async function deleteOldEvents({ ctx }: { ctx: Context }): Promise<number> {
  const { days } = await readEventRetention({ ctx });
  const oldest = new Date(ctx.clock.now() - days * 86_400_000);
  for (let total = 0; ;) {
    // By the order of writing, which is that of time but for moments: what is not there yet need not be looked for.
    const { count } = await ctx.sql`
      delete from events where sequence in (
        select sequence from (select sequence, at from events order by sequence limit ${batchRows}) oldest where at < ${oldest})`;
    total += count;
    if (count < batchRows) return total;
  }
}
