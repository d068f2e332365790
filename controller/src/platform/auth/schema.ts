import { sql } from "drizzle-orm";
import { boolean, check, index, pgTable, text, timestamp, unique, uuid } from "drizzle-orm/pg-core";

const at = () => timestamp({ withTimezone: true });

/* users, sessions, accounts and verifications belong to better-auth (its drizzle adapter); names are its own. */
export const users = pgTable("users", {
  id: text().primaryKey(),
  name: text().notNull(),
  email: text().notNull().unique(),
  emailVerified: boolean().notNull().default(false),
  image: text(),
  createdAt: at().notNull().defaultNow(),
  updatedAt: at().notNull().defaultNow(),
});

export const sessions = pgTable(
  "sessions",
  {
    id: text().primaryKey(),
    userId: text()
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    token: text().notNull().unique(),
    expiresAt: at().notNull(),
    ipAddress: text(),
    userAgent: text(),
    createdAt: at().notNull().defaultNow(),
    updatedAt: at().notNull().defaultNow(),
  },
  (t) => [index().on(t.userId)],
);

export const accounts = pgTable(
  "accounts",
  {
    id: text().primaryKey(),
    accountId: text().notNull(),
    providerId: text().notNull(),
    userId: text()
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    accessToken: text(),
    refreshToken: text(),
    idToken: text(),
    accessTokenExpiresAt: at(),
    refreshTokenExpiresAt: at(),
    scope: text(),
    password: text(),
    createdAt: at().notNull().defaultNow(),
    updatedAt: at().notNull().defaultNow(),
  },
  (t) => [index().on(t.userId)],
);

export const verifications = pgTable(
  "verifications",
  {
    id: text().primaryKey(),
    identifier: text().notNull(),
    value: text().notNull(),
    expiresAt: at().notNull(),
    createdAt: at().notNull().defaultNow(),
    updatedAt: at().notNull().defaultNow(),
  },
  (t) => [index().on(t.identifier)],
);

export const organizations = pgTable("organizations", {
  id: uuid()
    .primaryKey()
    .default(sql`gen_random_uuid()`),
  name: text().notNull(),
  createdAt: at().notNull().defaultNow(),
});

/** Who may do what, where: principal × role × scope. A scope of kind "organization" covers everything in it. */
export const grants = pgTable(
  "grants",
  {
    id: uuid()
      .primaryKey()
      .default(sql`gen_random_uuid()`),
    organizationId: uuid()
      .notNull()
      .references(() => organizations.id, { onDelete: "cascade" }),
    principalKind: text().notNull(),
    principalId: text().notNull(),
    role: text().notNull(),
    scopeKind: text().notNull(),
    scopeId: text().notNull(),
    createdAt: at().notNull().defaultNow(),
  },
  (t) => [
    unique().on(t.organizationId, t.principalKind, t.principalId, t.scopeKind, t.scopeId),
    index().on(t.principalKind, t.principalId),
    check("grants_role", sql`${t.role} in ('view','deploy','edit','admin','owner')`),
    check("grants_principal", sql`${t.principalKind} in ('user','team','token')`),
    check("grants_scope", sql`${t.scopeKind} in ('organization','team','group','project')`),
  ],
);
