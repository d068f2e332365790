import type { Event, eventListQuery } from "@devflow/api";
import { AppError } from "@devflow/errors";
import type { z } from "zod";
import type { Principal } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";
import { arrayLiteral } from "../../platform/db/index.ts";
import { type Page, readCursor, writeCursor } from "../../platform/http/cursor.ts";
import { columnsSql, eventParts, type EventRow, fromSql, toEvent, visibleSql } from "./visible.ts";

/**
 * What happened within the principal's reach, newest first, 50 a page by default. Throws AppError invalid for a cursor
 * of another list.
 */
export async function listEvents({
  ctx,
  principal,
  input,
}: {
  ctx: Context;
  principal: Principal;
  input: z.output<typeof eventListQuery>;
}): Promise<Page<Event>> {
  const { sql } = ctx;
  const limit = input.limit ?? 50;
  const before = readCursor(input.cursor, ["number"]);
  if (before !== null && !Number.isSafeInteger(before[0]))
    throw new AppError("invalid", "cursor: expected the nextCursor of an earlier answer to the same list");
  const rows = await sql<EventRow[]>`
    select ${columnsSql(ctx)} ${fromSql(ctx)}
    where e.organization_id = ${principal.organizationId} ${visibleSql(ctx, eventParts(principal))}
      ${before === null ? sql`` : sql`and e.sequence < ${before[0]}::bigint`}
      ${input.types === undefined ? sql`` : sql`and e.type = any(${arrayLiteral(input.types)}::text[])`}
      ${input.subjectKind === undefined ? sql`` : sql`and e.subject_kind = ${input.subjectKind}`}
      ${input.subjectId === undefined ? sql`` : sql`and e.subject_id = ${input.subjectId}`}
      ${input.from === undefined ? sql`` : sql`and e.at >= ${input.from}::text::timestamptz`}
      ${input.to === undefined ? sql`` : sql`and e.at < ${input.to}::text::timestamptz`}
    order by e.sequence desc
    limit ${limit + 1}`;
  const page = rows.slice(0, limit);
  return {
    items: page.map(toEvent),
    nextCursor: rows.length > limit ? writeCursor([page.at(-1)!.sequence]) : null,
  };
}
