import { sql } from "drizzle-orm";
import { bigint, boolean, index, integer, jsonb, pgTable, real, text, uuid } from "drizzle-orm/pg-core";
import { at, key } from "../../platform/db/columns.ts";
import { organizations } from "../../platform/auth/schema.ts";
import { serverGroups } from "../groups/schema.ts";

export const servers = pgTable(
  "servers",
  {
    id: key(),
    /** Key in the metric tables; never reused, never on the wire. */
    serverNo: integer().notNull().unique().generatedAlwaysAsIdentity(),
    organizationId: uuid()
      .notNull()
      .references(() => organizations.id),
    name: text().notNull(),
    hostname: text().notNull(),
    tags: text()
      .array()
      .notNull()
      .default(sql`'{}'`),
    groupId: uuid().references(() => serverGroups.id, { onDelete: "set null" }),
    machineFingerprint: text(),
    enrolledAt: at().notNull().defaultNow(),
    agentVersion: text(),
    osName: text(),
    /** Null until the first Hello. */
    monitorOnly: boolean(),
    firstConnectedAt: at(),
    lastSeenAt: at(),
    stateSince: at().notNull().defaultNow(),
    roundTripMs: real(),
    quarantinedAt: at(),
    revokedAt: at(),
    /** What a search looks through, in lower case: LIKE by bytes (collation "C") costs a fraction of ILIKE on each column. */
    searchText: text().generatedAlwaysAs(sql`lower(name || E'\\n' || hostname || E'\\n' || coalesce(os_name, ''))`),
    /** Spool of the last session and the batches it had dropped when a warning told of them; a new spool counts from 0. */
    spoolId: text(),
    spoolDropped: bigint({ mode: "number" }).notNull().default(0),
    /** [{code, message, since}] */
    warnings: jsonb().notNull().default([]),
  },
  (t) => [
    index("servers_list_index").on(t.organizationId, sql`lower(${t.name})`, t.id),
    index().on(t.groupId),
    index("servers_tags_index").using("gin", t.tags),
  ],
);

/** Which gateway holds an agent's stream; the row is there only while one does. */
export const agentSessions = pgTable("agent_sessions", {
  serverId: uuid()
    .primaryKey()
    .references(() => servers.id, { onDelete: "cascade" }),
  gatewayId: uuid().notNull(),
  /** Raised at each connection: an older holder cannot change the row. */
  epoch: integer().notNull(),
  bootId: text().notNull(),
  spoolId: text().notNull(),
  address: text().notNull(),
  connectedAt: at().notNull().defaultNow(),
  lastSeenAt: at().notNull().defaultNow(),
});
