import { sql } from "drizzle-orm";
import { type AnyPgColumn, boolean, check, foreignKey, index, pgTable, primaryKey, text, unique, uuid } from "drizzle-orm/pg-core";
import { at, key } from "../db/columns.ts";

/* users, sessions, accounts and verifications belong to better-auth (its drizzle adapter); names are its own. */
export const users = pgTable("users", {
  id: text().primaryKey(),
  name: text().notNull(),
  email: text().notNull().unique(),
  emailVerified: boolean().notNull().default(false),
  image: text(),
  createdAt: at().notNull().defaultNow(),
  updatedAt: at().notNull().defaultNow(),
  /** May change settings of the whole installation. */
  installationAdministrator: boolean().notNull().default(false),
  /** Since when nobody gets in as this user, by any way; null: they can. */
  disabledAt: at(),
  lastSignInAt: at(),
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
    /** The organisation that this session works in; null: the user's oldest. */
    organizationId: uuid().references((): AnyPgColumn => organizations.id, { onDelete: "set null" }),
    /** When the person behind it last proved who they are, by password or passkey (step-up). */
    confirmedAt: at(),
    /** Within some minutes. */
    lastUsedAt: at(),
    lastUsedAddress: text(),
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
  id: key(),
  name: text().notNull(),
  createdAt: at().notNull().defaultNow(),
  /** Set by a deletion that still can be taken back: nobody but owners gets in, and everything is gone at this time. */
  deleteAfter: at(),
});

/** Column of what an organisation has, and what goes with it. */
export const ofOrganization = () =>
  uuid()
    .notNull()
    .references(() => organizations.id, { onDelete: "cascade" });

/** Who belongs to an organisation. What they may do there stands in grants; without any they see nothing. */
export const memberships = pgTable(
  "memberships",
  {
    organizationId: ofOrganization(),
    userId: text()
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    createdAt: at().notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.organizationId, t.userId] }), index().on(t.userId)],
);

export const teams = pgTable(
  "teams",
  {
    id: key(),
    organizationId: ofOrganization(),
    name: text().notNull(),
    description: text().notNull().default(""),
    createdAt: at().notNull().defaultNow(),
  },
  (t) => [unique().on(t.organizationId, t.name)],
);

export const teamMembers = pgTable(
  "team_members",
  {
    teamId: uuid()
      .notNull()
      .references(() => teams.id, { onDelete: "cascade" }),
    organizationId: uuid().notNull(),
    userId: text().notNull(),
    createdAt: at().notNull().defaultNow(),
  },
  (t) => [
    primaryKey({ columns: [t.teamId, t.userId] }),
    index().on(t.userId),
    // Whoever leaves the organisation leaves its teams.
    foreignKey({ columns: [t.organizationId, t.userId], foreignColumns: [memberships.organizationId, memberships.userId] }).onDelete(
      "cascade",
    ),
  ],
);

/** Custom roles: sets of permissions under a name. */
export const customRoles = pgTable(
  "custom_roles",
  {
    id: key(),
    organizationId: ofOrganization(),
    name: text().notNull(),
    description: text().notNull().default(""),
    /** Names of packages/api's permissionTable; names that it no longer has allow nothing. */
    permissions: text().array().notNull(),
    createdAt: at().notNull().defaultNow(),
    updatedAt: at().notNull().defaultNow(),
  },
  (t) => [unique().on(t.organizationId, t.name)],
);

/** Accounts of programs: own grants and own API tokens, that no person's leaving ends. */
export const serviceAccounts = pgTable(
  "service_accounts",
  {
    id: key(),
    organizationId: ofOrganization(),
    name: text().notNull(),
    description: text().notNull().default(""),
    createdBy: text().references(() => users.id, { onDelete: "set null" }),
    createdAt: at().notNull().defaultNow(),
    disabledAt: at(),
  },
  (t) => [unique().on(t.organizationId, t.name)],
);

/**
 * Who may do what, where: principal × role × scope. A user's grants are its own and those of its teams; a token's are
 * its own, bounded by its holder's. A scope of kind "organization" covers everything in it, "team" what the team owns.
 */
export const grants = pgTable(
  "grants",
  {
    id: key(),
    organizationId: ofOrganization(),
    principalKind: text().notNull(),
    principalId: text().notNull(),
    /** Built-in role; null with roleId. */
    role: text(),
    roleId: uuid().references(() => customRoles.id, { onDelete: "cascade" }),
    scopeKind: text().notNull(),
    scopeId: text().notNull(),
    createdBy: text(),
    createdAt: at().notNull().defaultNow(),
  },
  (t) => [
    unique().on(t.organizationId, t.principalKind, t.principalId, t.scopeKind, t.scopeId),
    index().on(t.principalKind, t.principalId),
    check("grants_role", sql`(${t.role} in ('view','deploy','edit','admin','owner')) is true <> (${t.roleId} is not null)`),
    check("grants_principal", sql`${t.principalKind} in ('user','team','service','token')`),
    check("grants_scope", sql`${t.scopeKind} in ('organization','team','group','project')`),
  ],
);
