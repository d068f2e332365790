import { sql } from "drizzle-orm";
import { index, jsonb, pgTable, text, uuid } from "drizzle-orm/pg-core";
import { at, key } from "../../platform/db/columns.ts";
import { ofOrganization, users } from "../../platform/auth/schema.ts";

/** Invitations into an organisation; the secret of the link is kept as SHA-256 only. */
export const invitations = pgTable(
  "invitations",
  {
    id: key(),
    organizationId: ofOrganization(),
    /** Only this address may accept; null: whoever holds the link. */
    email: text(),
    sha256: text().notNull().unique(),
    /** [{role, scope}] as they will be granted. */
    grants: jsonb().notNull(),
    teamIds: uuid()
      .array()
      .notNull()
      .default(sql`'{}'`),
    invitedBy: text().references(() => users.id, { onDelete: "set null" }),
    /** Whose rights bound what it gives: "user", "service" or "token" (one that is nobody's). */
    inviterKind: text().notNull().default("user"),
    inviterId: text().notNull().default(""),
    /** When its link went out by mail; the link was shown to nobody then. */
    mailedAt: at(),
    createdAt: at().notNull().defaultNow(),
    expiresAt: at().notNull(),
    acceptedAt: at(),
    acceptedBy: text().references(() => users.id, { onDelete: "set null" }),
    revokedAt: at(),
  },
  (t) => [index().on(t.organizationId)],
);
