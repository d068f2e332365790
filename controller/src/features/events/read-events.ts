import type { Context } from "../../platform/context.ts";
import { arrayLiteral } from "../../platform/db/index.ts";
import type { Part } from "../../platform/auth/index.ts";
import type { Position } from "./position.ts";
import { columnsSql, type EventRow, fromSql, visibleSql } from "./visible.ts";

/**
 * Up to where events can be read without passing one over: transactions from here on may still be open. Everything
 * before is there or was rolled back.
 */
export async function settledPosition({ sql }: Pick<Context, "sql">): Promise<Position> {
  const [row] = await sql<{ transaction: string }[]>`select pg_snapshot_xmin(pg_current_snapshot())::text as transaction`;
  return { transaction: row!.transaction, sequence: 0 };
}

/** Settled events of all organisations that come after a position, in the order of commits. */
export async function readSettled(ctx: Pick<Context, "sql">, after: Position, limit: number): Promise<EventRow[]> {
  const { sql } = ctx;
  return sql<EventRow[]>`
    select ${columnsSql(ctx)} ${fromSql(ctx)}
    where (e.transaction, e.sequence) > (${after.transaction}::text::xid8, ${after.sequence}::bigint)
      and e.transaction < pg_snapshot_xmin(pg_current_snapshot())
    order by e.transaction, e.sequence limit ${limit}`;
}

/** What somebody follows. */
export interface Wanted {
  readonly organizationId: string;
  readonly parts: readonly Part[];
  /** Null: every type. */
  readonly types: readonly string[] | null;
}

/** Events that somebody follows between two positions, in the order of commits; `until` is a settled one. */
export async function readBetween(
  ctx: Pick<Context, "sql">,
  { organizationId, parts, types }: Wanted,
  after: Position,
  until: Position,
  limit: number,
): Promise<EventRow[]> {
  const { sql } = ctx;
  return sql<EventRow[]>`
    select ${columnsSql(ctx)} ${fromSql(ctx)}
    where e.organization_id = ${organizationId}
      and (e.transaction, e.sequence) > (${after.transaction}::text::xid8, ${after.sequence}::bigint)
      and (e.transaction, e.sequence) <= (${until.transaction}::text::xid8, ${until.sequence}::bigint)
      ${types === null ? sql`` : sql`and e.type = any(${arrayLiteral(types)}::text[])`} ${visibleSql(ctx, parts)}
    order by e.transaction, e.sequence limit ${limit}`;
}

/** Where an event of the organisation stands, and the newest one's id; what somebody resumes from. */
export async function findPosition({ sql }: Pick<Context, "sql">, organizationId: string, eventId: string): Promise<Position | null> {
  const [row] = await sql<Position[]>`
    select transaction::text as transaction, sequence from events where id = ${eventId} and organization_id = ${organizationId}`;
  return row ?? null;
}

/** The id of the organisation's newest event up to a position; null: there is none. */
export async function newestId({ sql }: Pick<Context, "sql">, organizationId: string, until: Position): Promise<string | null> {
  const [row] = await sql<{ id: string }[]>`
    select id from events where organization_id = ${organizationId}
      and (transaction, sequence) <= (${until.transaction}::text::xid8, ${until.sequence}::bigint)
    order by transaction desc, sequence desc limit 1`;
  return row?.id ?? null;
}
