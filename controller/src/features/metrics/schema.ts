import { sql } from "drizzle-orm";
import { bigint, integer, pgTable, primaryKey, real, smallint, text, unique } from "drizzle-orm/pg-core";
import { at, xid8 } from "../../platform/db/columns.ts";

/*
 * The metric tables themselves (metric_<family>_10s, _1m, _1h) are made from packages/catalogue by an idempotent step
 * at start, since their form depends on the storage engine. They are reached through servers.server_no only.
 */

/** Dictionary of instances: (server, family, name) -> instance_no, from 1 within a server and family; 0 is the host itself. */
export const metricInstances = pgTable(
  "metric_instances",
  {
    serverNo: integer().notNull(),
    family: smallint().notNull(),
    instanceNo: integer().notNull(),
    name: text().notNull(),
    firstSeen: at().notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.serverNo, t.family, t.instanceNo] }), unique().on(t.serverNo, t.family, t.name)],
);

/** Number of a transaction, 64 bits. */

/**
 * Newest values of each server, natural units, for lists. Each row is written every 10 s, so it has no index but its
 * key (updates then stay in their page) and pages with room.
 */
export const serverLatest = pgTable("server_latest", {
  serverNo: integer().primaryKey(),
  time: at().notNull(),
  cpuPercent: real(),
  load1: real("load_1"),
  memoryUsedBytes: bigint({ mode: "number" }),
  memoryTotalBytes: bigint({ mode: "number" }),
  diskUsedPercent: real(),
  diskMount: text(),
  receiveBytesPerSecond: bigint({ mode: "number" }),
  transmitBytesPerSecond: bigint({ mode: "number" }),
  /** The transaction that wrote the row last; with a snapshot it tells what a reader has not seen yet. */
  writtenBy: xid8()
    .notNull()
    .default(sql`pg_current_xact_id()`),
});
