import { index, pgTable, text, uuid } from "drizzle-orm/pg-core";
import { at, key } from "../../platform/db/columns.ts";
import { ofOrganization, serviceAccounts, users } from "../../platform/auth/schema.ts";

/** API tokens; the secret is kept as SHA-256 only. What a token may do stands in grants. */
export const apiTokens = pgTable(
  "api_tokens",
  {
    id: key(),
    organizationId: ofOrganization(),
    name: text().notNull(),
    prefix: text().notNull(),
    sha256: text().notNull().unique(),
    /** The person who made it and whose rights bound it; null for a service account's. */
    createdBy: text().references(() => users.id, { onDelete: "cascade" }),
    /** The service account that holds it and whose rights bound it; null for a person's. */
    serviceAccountId: uuid().references(() => serviceAccounts.id, { onDelete: "cascade" }),
    createdAt: at().notNull().defaultNow(),
    expiresAt: at(),
    lastUsedAt: at(),
    lastUsedAddress: text(),
    revokedAt: at(),
  },
  (t) => [index().on(t.organizationId)],
);
