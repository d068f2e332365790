import { sql } from "drizzle-orm";
import { bigint, index, jsonb, pgTable, text, uuid } from "drizzle-orm/pg-core";
import { at, xid8 } from "../db/columns.ts";
import { ofOrganization } from "../auth/schema.ts";

/**
 * What happened, for people, streams and outgoing webhooks. Written in the transaction of the change. Readers go by
 * (transaction, sequence) and stop before the oldest transaction that is still open, so that none is passed over.
 */
export const events = pgTable(
  "events",
  {
    sequence: bigint({ mode: "number" }).primaryKey().generatedAlwaysAsIdentity(),
    id: uuid()
      .notNull()
      .unique()
      .default(sql`gen_random_uuid()`),
    transaction: xid8()
      .notNull()
      .default(sql`pg_current_xact_id()`),
    organizationId: ofOrganization(),
    at: at().notNull().defaultNow(),
    /** "server.offline"; packages/api's eventTypes lists them. */
    type: text().notNull(),
    actorKind: text().notNull(),
    actorId: text().notNull(),
    actorName: text().notNull(),
    subjectKind: text().notNull(),
    subjectId: text().notNull(),
    /** As it was called then. */
    subjectName: text().notNull(),
    /** Group of the server that it is about: who may see that may see the event. */
    groupId: uuid(),
    data: jsonb().notNull(),
  },
  (t) => [
    index().on(t.organizationId, t.sequence),
    index().on(t.organizationId, t.at),
    index().on(t.organizationId, t.transaction, t.sequence),
    index().on(t.transaction, t.sequence),
    index().on(t.subjectKind, t.subjectId, t.sequence),
  ],
);

/** How far somebody who handles every event once has come ("webhooks"); moved in the transaction of what it does with them. */
export const eventCursors = pgTable("event_cursors", {
  name: text().primaryKey(),
  transaction: xid8().notNull(),
  sequence: bigint({ mode: "number" }).notNull(),
});
