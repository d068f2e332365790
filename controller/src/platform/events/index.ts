import { type EventData, type EventType, eventTypes } from "@devflow/api";
import type { Principal } from "../auth/principal.ts";
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
export async function writeEvent<T extends EventType>(
  tx: Pick<Database, "insert">,
  principal: Principal,
  event: NewEvent<T>,
): Promise<void> {
  await tx.insert(events).values({
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
  });
}
