import { type EventData, type EventType, eventTypes } from "@devflow/api";
import type { Fragment } from "postgres";
import type { Principal } from "../auth/principal.ts";
import type { Context } from "../context.ts";
import { beforeCommit, type Database } from "../db/index.ts";

export interface NewEvent<T extends EventType> {
  readonly type: T;
  /** What it is about, as it is called now. */
  readonly subject: { readonly kind: string; readonly id: string; readonly name: string };
  /** Group of the server that it is about; default none. */
  readonly groupId?: string | null;
  /** Without secrets. */
  readonly data: EventData<T>;
}

/**
 * Writes one event; pass the transaction of the change, so that there is never one without the other. It is written as
 * the last of the transaction; streams and webhooks find it by themselves after the commit.
 */
export const writeEvent = <T extends EventType>(tx: Pick<Database, "insert">, principal: Principal, event: NewEvent<T>): Promise<void> =>
  writeEvents(tx, principal, [event]);

/** As writeEvent, up to 1,000 of one type in one statement. */
export async function writeEvents<T extends EventType>(
  tx: Pick<Database, "insert">,
  principal: Principal,
  list: readonly NewEvent<T>[],
): Promise<void> {
  if (list.length === 0) return;
  const rows = list.map((event) => ({
    organization_id: principal.organizationId,
    type: event.type,
    actor_kind: principal.kind,
    actor_id: principal.id,
    actor_name: principal.name,
    subject_kind: event.subject.kind,
    subject_id: event.subject.id,
    subject_name: event.subject.name,
    group_id: event.groupId ?? null,
    data: eventTypes[event.type].data.parse(event.data),
  }));
  // By hand, as for the audit log.
  await beforeCommit(
    tx,
    (sql) => sql`
    insert into events (organization_id, type, actor_kind, actor_id, actor_name, subject_kind, subject_id, subject_name, group_id, data)
    select organization_id, type, actor_kind, actor_id, actor_name, subject_kind, subject_id, subject_name, group_id, data
    from rows from (jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb) as (
      organization_id uuid, type text, actor_kind text, actor_id text, actor_name text, subject_kind text, subject_id text, subject_name text,
      group_id uuid, data jsonb)) with ordinality order by ordinality`,
  );
}

/** What an event says about a server; the group as it is at the time, since it settles who may see the event. */
export const aboutServer = ({ id, name, groupId }: { id: string; name: string; groupId: string | null }) => ({
  subject: { kind: "server", id, name },
  groupId,
});

/**
 * SQL that writes an event of one type for each of many servers, by the controller itself: part of the statement of the
 * change (`with … told as (${serverEventsSql(…)})`), since a whole fleet comes and goes within seconds.
 * @param serverIds SQL that selects their ids
 */
export const serverEventsSql = <T extends Extract<EventType, `server.${string}`>>(
  { sql }: Pick<Context, "sql">,
  type: T,
  data: EventData<T>,
  serverIds: Fragment,
) => sql`
  insert into events (organization_id, type, actor_kind, actor_id, actor_name, subject_kind, subject_id, subject_name, group_id, data)
  select organization_id, ${type}::text, 'system', 'system', 'DevFlow', 'server', id::text, name, group_id, ${JSON.stringify(eventTypes[type].data.parse(data))}::text::jsonb
  from servers where id in (${serverIds})`;
