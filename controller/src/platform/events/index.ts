import { type EventData, type EventType, eventTypes } from "@devflow/api";
import type { Fragment } from "postgres";
import type { Principal } from "../auth/principal.ts";
import type { Context } from "../context.ts";
import type { Database } from "../db/index.ts";
import { events } from "./schema.ts";

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
 * Writes one event; pass the transaction of the change, so that there is never one without the other. Streams and
 * webhooks find it by themselves after the commit.
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
  await tx.insert(events).values(
    list.map((event) => ({
      organizationId: principal.organizationId,
      type: event.type,
      actorKind: principal.kind,
      actorId: principal.id,
      actorName: principal.name,
      subjectKind: event.subject.kind,
      subjectId: event.subject.id,
      subjectName: event.subject.name,
      groupId: event.groupId ?? null,
      data: eventTypes[event.type].data.parse(event.data),
    })),
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
