import type { TimeCounts, timeCountsQuery } from "@devflow/api";
import type { z } from "zod";
import type { Principal } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";
import { type CountRow, countWindow, toTimeCounts } from "../../platform/http/time-counts.ts";

/** How many deliveries of a webhook began over time, by the state that they are in. Throws AppError invalid for a window that is empty or too long. */
export async function countDeliveries({
  ctx,
  principal,
  input,
}: {
  ctx: Context;
  principal: Principal;
  input: z.output<typeof timeCountsQuery> & { webhookId: string };
}): Promise<TimeCounts> {
  const window = countWindow(input, ctx.clock.now());
  const rows = await ctx.sql<CountRow[]>`
    select (floor(extract(epoch from created_at) / ${window.stepSeconds}::int) * ${window.stepSeconds}::int)::float8 as second,
      state as kind, count(*)::int as count
    from webhook_deliveries
    where organization_id = ${principal.organizationId} and webhook_id = ${input.webhookId}
      and created_at >= ${window.from}::text::timestamptz and created_at < ${window.to}::text::timestamptz
    group by 1, 2 order by 1, 2`;
  return toTimeCounts(window, rows);
}
