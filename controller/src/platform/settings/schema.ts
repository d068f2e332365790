import { customType, jsonb, pgTable, text, timestamp } from "drizzle-orm/pg-core";

const bytea = customType<{ data: Buffer; driverData: Buffer }>({ dataType: () => "bytea" });

/** Settings of the whole installation: "mail", "oidc", "retention", "outgoing", "security". */
export const settings = pgTable("settings", {
  key: text().primaryKey(),
  /** Without secrets. */
  value: jsonb().notNull(),
  /** JSON of the secrets, wrapped by the master key under "settings:KEY". */
  sealed: bytea(),
  updatedAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
});
