import { jsonb, pgTable, uuid } from "drizzle-orm/pg-core";
import { at } from "../../platform/db/columns.ts";
import { organizations } from "../../platform/auth/schema.ts";
import { servers } from "../servers/schema.ts";

export const inventories = pgTable("inventories", {
  serverId: uuid()
    .primaryKey()
    .references(() => servers.id, { onDelete: "cascade" }),
  organizationId: uuid()
    .notNull()
    .references(() => organizations.id),
  updatedAt: at().notNull().defaultNow(),
  /** Shape of packages/api inventory without serverId and updatedAt. */
  facts: jsonb().notNull(),
});
