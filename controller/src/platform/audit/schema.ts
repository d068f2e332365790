import { bigint, index, jsonb, pgTable, text, timestamp, uuid } from "drizzle-orm/pg-core";
import { organizations } from "../auth/schema.ts";

/** Changes and refusals. Written in the transaction of the change; chained by a worker afterwards (hash is null until then). */
export const auditLog = pgTable(
  "audit_log",
  {
    sequence: bigint({ mode: "number" }).primaryKey().generatedAlwaysAsIdentity(),
    organizationId: uuid()
      .notNull()
      .references(() => organizations.id),
    at: timestamp({ withTimezone: true }).notNull().defaultNow(),
    actorKind: text().notNull(),
    actorId: text().notNull(),
    /** As shown to people at that time, for example an e-mail address. */
    actorName: text().notNull(),
    address: text(),
    requestId: text(),
    /** "servers.revoke" */
    action: text().notNull(),
    targetKind: text().notNull(),
    targetId: text().notNull(),
    outcome: text().notNull(),
    before: jsonb(),
    after: jsonb(),
    /** SHA-256 over the previous row's hash and this row; hexadecimal. */
    hash: text(),
  },
  (t) => [index().on(t.organizationId, t.sequence)],
);
