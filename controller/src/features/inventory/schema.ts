import { jsonb, pgTable, timestamp, uuid } from "drizzle-orm/pg-core";
import { organizations } from "../../platform/auth/schema.ts";
import { servers } from "../servers/schema.ts";

export const inventories = pgTable("inventories", {
  serverId: uuid()
    .primaryKey()
    .references(() => servers.id, { onDelete: "cascade" }),
  organizationId: uuid()
    .notNull()
    .references(() => organizations.id),
  updatedAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
  /** Shape of packages/api inventory without serverId and updatedAt. */
  facts: jsonb().notNull(),
});
