import { index, integer, pgTable, text, uuid } from "drizzle-orm/pg-core";
import { at, key } from "../../platform/db/columns.ts";
import { organizations, users } from "../../platform/auth/schema.ts";

/**
 * Programs that wait for somebody to confirm them. The row goes when the token is collected, so there never is a secret
 * in it. Nobody's until it is confirmed: only then has it an organisation.
 */
export const cliLogins = pgTable(
  "cli_logins",
  {
    id: key(),
    /** HMAC-SHA-256 under a key that is not in the database: the code alone has 34 bits. */
    userCodeHash: text().notNull().unique(),
    deviceCodeHash: text().notNull().unique(),
    client: text().notNull(),
    address: text(),
    wantedRole: text(),
    createdAt: at().notNull(),
    expiresAt: at().notNull(),
    deniedAt: at(),
    organizationId: uuid().references(() => organizations.id, { onDelete: "cascade" }),
    confirmedBy: text().references(() => users.id, { onDelete: "cascade" }),
    tokenName: text(),
    tokenRole: text(),
    /** Null: never ends. */
    tokenDays: integer(),
  },
  (t) => [index().on(t.expiresAt), index().on(t.confirmedBy), index().on(t.organizationId)],
);
