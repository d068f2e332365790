import { sql } from "drizzle-orm";
import { bigint, index, jsonb, pgTable, primaryKey, text, uuid } from "drizzle-orm/pg-core";
import { at, key } from "../db/columns.ts";
import { ofOrganization, organizations } from "../auth/schema.ts";

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

/** The newest signed end of each organisation's chain, which gateways hand to its agents. */
export const auditEnds = pgTable("audit_ends", {
  organizationId: ofOrganization().primaryKey(),
  sequence: bigint({ mode: "number" }).notNull(),
  hash: text().notNull(),
  at: at().notNull(),
  signature: text().notNull(),
});

/** Signed checkpoints that servers hold and that the log did not have when they handed them over. */
export const auditContradictions = pgTable(
  "audit_contradictions",
  {
    organizationId: ofOrganization(),
    sequence: bigint({ mode: "number" }).notNull(),
    hash: text().notNull(),
    /** When it was signed. */
    at: at().notNull(),
    signature: text().notNull(),
    /** The first that told; its name then, since it may be deleted. */
    serverId: uuid().notNull(),
    serverName: text().notNull(),
    toldAt: at().notNull(),
  },
  (t) => [primaryKey({ columns: [t.organizationId, t.sequence] })],
);

/** Said by `devflow admin after-restore`: rows after that one, of before that time, are gone with the older state of the database. */
export const auditRestores = pgTable("audit_restores", {
  id: key(),
  organizationId: ofOrganization(),
  afterSequence: bigint({ mode: "number" }).notNull(),
  at: at().notNull(),
  /** By the task-signing key, base64; see restores.ts. */
  signature: text().notNull(),
});
