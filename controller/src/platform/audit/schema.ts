import { sql } from "drizzle-orm";
import { bigint, index, jsonb, pgTable, text, uuid } from "drizzle-orm/pg-core";
import { at } from "../db/columns.ts";
import { organizations } from "../auth/schema.ts";

/** Changes and refusals. Written in the transaction of the change; chained by a worker afterwards (hash is null until then). */
export const auditLog = pgTable(
  "audit_log",
  {
    sequence: bigint({ mode: "number" }).primaryKey().generatedAlwaysAsIdentity(),
    organizationId: uuid()
      .notNull()
      .references(() => organizations.id),
    at: at().notNull().defaultNow(),
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
  (t) => [
    index().on(t.organizationId, t.sequence),
    index().on(t.organizationId, t.at),
    // What is to be chained, found without reading what is.
    index("audit_log_unchained")
      .on(t.sequence)
      .where(sql`${t.hash} is null`),
  ],
);

/** Where an organisation's chain begins since retention removed what was before. */
export const auditCheckpoints = pgTable("audit_checkpoints", {
  organizationId: uuid()
    .primaryKey()
    .references(() => organizations.id, { onDelete: "cascade" }),
  /** Of the last removed row. */
  sequence: bigint({ mode: "number" }).notNull(),
  hash: text().notNull(),
  at: at().notNull(),
  /** By the task-signing key, base64; see checkpoints.ts. */
  signature: text().notNull(),
});
