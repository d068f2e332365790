import { sql } from "drizzle-orm";
import { index, pgTable, text, timestamp, uuid } from "drizzle-orm/pg-core";
import { organizations, users } from "../../platform/auth/schema.ts";

const at = () => timestamp({ withTimezone: true });

/** API tokens; the secret is kept as SHA-256 only. What a token may do stands in grants. */
export const apiTokens = pgTable(
  "api_tokens",
  {
    id: uuid()
      .primaryKey()
      .default(sql`gen_random_uuid()`),
    organizationId: uuid()
      .notNull()
      .references(() => organizations.id, { onDelete: "cascade" }),
    name: text().notNull(),
    prefix: text().notNull(),
    sha256: text().notNull().unique(),
    createdBy: text().references(() => users.id, { onDelete: "cascade" }),
    createdAt: at().notNull().defaultNow(),
    expiresAt: at(),
    lastUsedAt: at(),
    revokedAt: at(),
  },
  (t) => [index().on(t.organizationId)],
);
