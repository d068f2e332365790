import type { Context } from "../../platform/context.ts";

/** Deliveries are kept for so long after they were made. */
const keepMs = 30 * 86_400_000;
const batchRows = 1_000;

/** Deletes old deliveries, a batch a statement. Returns how many. */
export async function deleteOldDeliveries({ ctx }: { ctx: Context }): Promise<number> {
  const oldest = new Date(ctx.clock.now() - keepMs);
  for (let total = 0; ;) {
    const { count } = await ctx.sql`
      delete from webhook_deliveries where id in (
        select id from webhook_deliveries where created_at < ${oldest} order by created_at limit ${batchRows})`;
    total += count;
    if (count < batchRows) return total;
  }
}
