import { index, integer, jsonb, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { at } from "../db/columns.ts";
import { ofOrganization } from "../auth/schema.ts";

/** Answers to POSTs that carried an Idempotency-Key, kept for 24 h. */
export const idempotencyKeys = pgTable(
  "idempotency_keys",
  {
    organizationId: ofOrganization(),
    principal: text().notNull(),
    key: text().notNull(),
    /** SHA-256 of method, path and body: the same key with another request is refused. */
    requestHash: text().notNull(),
    /** Null while the first request is under way. */
    status: integer(),
    body: jsonb(),
    createdAt: at().notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.organizationId, t.principal, t.key] }), index().on(t.createdAt)],
);
