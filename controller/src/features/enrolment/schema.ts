import { sql } from "drizzle-orm";
import { index, integer, pgTable, text, uuid } from "drizzle-orm/pg-core";
import { at, bytea, key } from "../../platform/db/columns.ts";
import { ofOrganization, organizations, users } from "../../platform/auth/schema.ts";
import { serverGroups } from "../groups/schema.ts";
import { servers } from "../servers/schema.ts";

export const enrolmentTokens = pgTable(
  "enrolment_tokens",
  {
    id: key(),
    organizationId: ofOrganization(),
    name: text().notNull(),
    prefix: text().notNull(),
    sha256: text().notNull().unique(),
    maxUses: integer().notNull(),
    uses: integer().notNull().default(0),
    /** Servers that enrol with it begin in this group and with these tags. */
    groupId: uuid().references(() => serverGroups.id, { onDelete: "set null" }),
    tags: text()
      .array()
      .notNull()
      .default(sql`'{}'`),
    replacesServerId: uuid().references(() => servers.id, { onDelete: "cascade" }),
    createdBy: text().references(() => users.id, { onDelete: "set null" }),
    createdAt: at().notNull().defaultNow(),
    expiresAt: at().notNull(),
    revokedAt: at(),
  },
  (t) => [index().on(t.organizationId)],
);

/** Certificates given to agents. A server has several while it renews; never more than one server for one row. */
export const agentIdentities = pgTable(
  "agent_identities",
  {
    /** Certificate serial, hexadecimal. */
    serial: text().primaryKey(),
    serverId: uuid()
      .notNull()
      .references(() => servers.id, { onDelete: "cascade" }),
    organizationId: uuid()
      .notNull()
      .references(() => organizations.id),
    tokenId: uuid().references(() => enrolmentTokens.id, { onDelete: "set null" }),
    /** SHA-256 of the public key (SPKI DER), hexadecimal. */
    keySha256: text().notNull().unique(),
    epoch: integer().notNull(),
    issuedAt: at().notNull().defaultNow(),
    notAfter: at().notNull(),
    revokedAt: at(),
  },
  (t) => [index().on(t.serverId)],
);

/** Private keys of the installation, wrapped by the master key; read by the gateway role only. */
export const caKeys = pgTable("ca_keys", {
  /** "root", "intermediate", "gateway", "enrolment". */
  name: text().primaryKey(),
  certificatePem: text().notNull(),
  /** AES-256-GCM: 12 bytes nonce, ciphertext, 16 bytes tag; the name is the associated data. */
  wrappedKey: bytea().notNull(),
  notAfter: at().notNull(),
});
