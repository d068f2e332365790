import type { TimeCounts, timeCountsQuery } from "@devflow/api";
import type { z } from "zod";
import type { Principal } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";
import { countColumns, type CountRow, countWindow, inWindow, toTimeCounts } from "../../platform/http/time-counts.ts";

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
    select ${countColumns(ctx, window, "created_at", "state")}
    from webhook_deliveries
    where organization_id = ${principal.organizationId} and webhook_id = ${input.webhookId}
      and ${inWindow(ctx, window, "created_at")}
    group by 1, 2 order by 1, 2`;
  return toTimeCounts(window, rows);
}
