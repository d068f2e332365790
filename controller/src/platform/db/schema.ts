import { integer, pgTable, smallint, text, uuid } from "drizzle-orm/pg-core";
import { at } from "./columns.ts";

/** One row: what this database belongs to. */
export const installation = pgTable("installation", {
  /** Always 1, so that there is one row. */
  singleton: smallint().primaryKey(),
  id: uuid().notNull(),
  /** Raised by `devflow admin after-restore`. */
  epoch: integer().notNull(),
  /** "plain" or "timescaledb", settled when the database was made. */
  storageEngine: text().notNull(),
  /** Derived from the master key that wraps this database's secrets; tells another key at the start. Null: none was used yet. */
  masterKeyCheck: text(),
  /** SHA-256 of the public half (SPKI) of the key that signs tasks, hexadecimal. Null: there is none yet. */
  taskSigningKeySha256: text(),
  createdAt: at().notNull().defaultNow(),
});
