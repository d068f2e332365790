import type { TimeCounts, timeCountsQuery } from "@devflow/api";
import type { z } from "zod";
import type { Principal } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";
import { countColumns, type CountRow, countWindow, inWindow, toTimeCounts } from "../../platform/http/time-counts.ts";

/** How many changes were done and refused over time. Throws AppError invalid for a window that is empty or too long. */
export async function countAudit({
  ctx,
  principal,
  input,
}: {
  ctx: Context;
  principal: Principal;
  input: z.output<typeof timeCountsQuery>;
}): Promise<TimeCounts> {
  const window = countWindow(input, ctx.clock.now());
  const rows = await ctx.sql<CountRow[]>`
    select ${countColumns(ctx, window, "at", "outcome")}
    from audit_log
    where organization_id = ${principal.organizationId}
      and ${inWindow(ctx, window, "at")}
    group by 1, 2 order by 1, 2`;
  return toTimeCounts(window, rows);
}
