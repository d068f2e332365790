import { pgTable, text, uuid } from "drizzle-orm/pg-core";
import { at } from "../db/columns.ts";

/** The controller processes that run on this database; belongs to the installation, not to an organisation. */
export const controllers = pgTable("controllers", {
  /** Of the process, new at each start; agent_sessions.gateway_id is one of them. */
  id: uuid().primaryKey(),
  hostname: text().notNull(),
  roles: text().array().notNull(),
  version: text().notNull(),
  /** host:port where other controllers get live frames; null without the role gateway. */
  internalAddress: text(),
  startedAt: at().notNull(),
  /** Confirmed every 10 s; a row that is not is removed by the others. */
  seenAt: at().notNull(),
});
