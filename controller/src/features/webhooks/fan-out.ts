import type { Event } from "@devflow/api";
import type { Context } from "../../platform/context.ts";
import { arrayLiteral, type Sql } from "../../platform/db/index.ts";
import { type EventRow, readSettled, settledPosition, toEvent } from "../events/index.ts";

const cursorName = "webhooks";
const batch = 500;

/** Body of a delivery, as Standard Webhooks has it; `data` is the event as the API tells it. */
export const bodyOf = (event: Event): string => JSON.stringify({ type: event.type, timestamp: event.at, data: event });

interface Subscriber {
  readonly id: string;
  readonly organizationId: string;
  readonly types: readonly string[];
}

/** Lets webhooks begin with what happens from now on; changes nothing when they have begun. */
export async function beginFanOut({ sql }: Context): Promise<void> {
  const { transaction, sequence } = await settledPosition({ sql });
  await sql`insert into event_cursors (name, transaction, sequence)
    values (${cursorName}, ${transaction}::text::xid8, ${sequence}::bigint) on conflict do nothing`;
}

/**
 * Makes deliveries of the events that were not looked at yet, each event once whatever number of workers run: how far
 * they have come is moved in the transaction that writes the deliveries, by one worker at a time.
 * @returns how many events were looked at; a full batch means that there may be more
 */
export async function fanOut(ctx: Context): Promise<{ events: number; full: boolean }> {
  // Asked without a lock first, since mostly there is nothing.
  const [due] = await ctx.sql`
    select 1 from event_cursors c where c.name = ${cursorName} and exists (
      select from events e where (e.transaction, e.sequence) > (c.transaction, c.sequence)
        and e.transaction < pg_snapshot_xmin(pg_current_snapshot()))`;
  if (due === undefined) return { events: 0, full: false };
  return ctx.sql.begin(async (transaction) => {
    const sql = transaction as unknown as Sql;
    const [cursor] = await sql<{ transaction: string; sequence: number }[]>`
      select transaction::text as transaction, sequence from event_cursors where name = ${cursorName} for update skip locked`;
    // Another worker is at it.
    if (cursor === undefined) return { events: 0, full: false };
    const rows = await readSettled({ sql }, cursor, batch);
    const last = rows.at(-1);
    if (last === undefined) return { events: 0, full: false };
    const organizations = [...new Set(rows.map(({ organizationId }) => organizationId))];
    // Shared, so that one that is disabled meanwhile either gets nothing or has what it got here skipped.
    const subscribers = await sql<Subscriber[]>`
      select id, organization_id as "organizationId", types from webhooks
      where disabled_at is null and organization_id = any(${arrayLiteral(organizations)}::uuid[]) for share`;
    await insertDeliveries(sql, new Date(ctx.clock.now()), matches(rows, subscribers));
    await sql`update event_cursors set transaction = ${last.transaction}::text::xid8, sequence = ${last.sequence}::bigint where name = ${cursorName}`;
    return { events: rows.length, full: rows.length === batch };
  });
}

interface Match {
  readonly row: EventRow;
  readonly webhookId: string;
}

function matches(rows: readonly EventRow[], subscribers: readonly Subscriber[]): Match[] {
  return rows.flatMap((row) =>
    subscribers
      .filter(({ organizationId, types }) => organizationId === row.organizationId && (types.includes("*") || types.includes(row.type)))
      .map(({ id }) => ({ row, webhookId: id })),
  );
}

async function insertDeliveries(sql: Sql, now: Date, deliveries: readonly Match[]): Promise<void> {
  if (deliveries.length === 0) return;
  const bodies = new Map<EventRow, string>();
  for (const { row } of deliveries) if (!bodies.has(row)) bodies.set(row, bodyOf(toEvent(row)));
  const column = (of: (match: Match) => string): string => arrayLiteral(deliveries.map(of));
  await sql`
    insert into webhook_deliveries (organization_id, webhook_id, event_id, type, body, state, next_attempt_at, created_at)
    select organization_id, webhook_id, event_id, type, body, 'waiting',
      -- A microsecond apart, so that they are sent in their order.
      ${now}::timestamptz - (${deliveries.length}::int - n) * interval '1 microsecond',
      ${now}::timestamptz - (${deliveries.length}::int - n) * interval '1 microsecond'
    from unnest(${column(({ row }) => row.organizationId)}::uuid[], ${column(({ webhookId }) => webhookId)}::uuid[],
      ${column(({ row }) => row.id)}::uuid[], ${column(({ row }) => row.type)}::text[], ${column(({ row }) => bodies.get(row)!)}::text[])
      with ordinality as t (organization_id, webhook_id, event_id, type, body, n)
    on conflict do nothing`;
}
