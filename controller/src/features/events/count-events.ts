import type { eventCountsQuery, TimeCounts } from "@devflow/api";
import type { z } from "zod";
import type { Principal } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";
import { arrayLiteral } from "../../platform/db/index.ts";
import { countColumns, type CountRow, countWindow, inWindow, toTimeCounts } from "../../platform/http/time-counts.ts";
import { eventParts, fromSql, visibleSql } from "./visible.ts";

/** How often each type of event happened over time, within the principal's reach. Throws AppError invalid for a window that is empty or too long. */
export async function countEvents({
  ctx,
  principal,
  input,
}: {
  ctx: Context;
  principal: Principal;
  input: z.output<typeof eventCountsQuery>;
}): Promise<TimeCounts> {
  const { sql } = ctx;
  const window = countWindow(input, ctx.clock.now());
  const rows = await sql<CountRow[]>`
    select ${countColumns(ctx, window, "e.at", "e.type")} ${fromSql(ctx)}
    where e.organization_id = ${principal.organizationId} ${visibleSql(ctx, eventParts(principal))}
      and ${inWindow(ctx, window, "e.at")}
      ${input.types === undefined ? sql`` : sql`and e.type = any(${arrayLiteral(input.types)}::text[])`}
      ${input.subjectKind === undefined ? sql`` : sql`and e.subject_kind = ${input.subjectKind}`}
      ${input.subjectId === undefined ? sql`` : sql`and e.subject_id = ${input.subjectId}`}
    group by 1, 2 order by 1, 2`;
  return toTimeCounts(window, rows);
}
