import { jsonb, pgTable, text } from "drizzle-orm/pg-core";
import { at, bytea } from "../db/columns.ts";

/** Settings of the whole installation: "mail", "oidc", "retention", "outgoing", "security". */
export const settings = pgTable("settings", {
  key: text().primaryKey(),
  /** Without secrets. */
  value: jsonb().notNull(),
  /** JSON of the secrets, wrapped by the master key under "settings:KEY". */
  sealed: bytea(),
  updatedAt: at().notNull().defaultNow(),
});
