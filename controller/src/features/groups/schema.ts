import { sql } from "drizzle-orm";
import { boolean, index, jsonb, pgTable, primaryKey, text, unique, uniqueIndex, uuid } from "drizzle-orm/pg-core";
import { at, key } from "../../platform/db/columns.ts";
import { ofOrganization, teams, users } from "../../platform/auth/schema.ts";

/** Groups of servers; a server is in one at most, so that who may do what with it is easy to tell. */
export const serverGroups = pgTable(
  "server_groups",
  {
    id: key(),
    organizationId: ofOrganization(),
    name: text().notNull(),
    description: text().notNull().default(""),
    /** The team that owns it: grants over what the team owns reach its servers. */
    teamId: uuid().references(() => teams.id, { onDelete: "set null" }),
    createdAt: at().notNull().defaultNow(),
    updatedAt: at().notNull().defaultNow(),
  },
  (t) => [uniqueIndex("server_groups_name_index").on(t.organizationId, sql`lower(${t.name})`), index().on(t.teamId)],
);

/** Colours and descriptions of tags. Which server has which tag stands in servers.tags; a tag may be in use without a row here. */
export const tags = pgTable(
  "tags",
  {
    organizationId: ofOrganization(),
    name: text().notNull(),
    /** Name of a colour of the UI's palette. */
    color: text().notNull(),
    description: text().notNull().default(""),
    createdAt: at().notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.organizationId, t.name] })],
);

/** Filters, columns and order of the server list under a name. */
export const savedViews = pgTable(
  "saved_views",
  {
    id: key(),
    organizationId: ofOrganization(),
    userId: text()
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    name: text().notNull(),
    /** Seen by everybody of the organisation. */
    shared: boolean().notNull().default(false),
    /** What the list's page holds in its address (viewQuery). */
    query: jsonb().notNull(),
    createdAt: at().notNull().defaultNow(),
  },
  (t) => [unique().on(t.organizationId, t.userId, t.name)],
);

/** Which view a user's list of servers begins with; an own one or a shared one. */
export const defaultViews = pgTable(
  "default_views",
  {
    organizationId: ofOrganization(),
    userId: text()
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    viewId: uuid()
      .notNull()
      .references(() => savedViews.id, { onDelete: "cascade" }),
  },
  (t) => [primaryKey({ columns: [t.organizationId, t.userId] }), index().on(t.viewId)],
);
