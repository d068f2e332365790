import { index, integer, pgTable, text } from "drizzle-orm/pg-core";
import { at, bytea, key } from "../db/columns.ts";

/** Mails that wait to be sent; a sent one is deleted, one that is given up loses its content. Of the installation: its recipients may belong to no organisation yet. */
export const mails = pgTable(
  "mails",
  {
    id: key(),
    /** JSON of recipient, subject and texts, wrapped by the master key: a mail may hold a one-time link. Null once it is given up. */
    sealed: bytea(),
    attempts: integer().notNull().default(0),
    createdAt: at().notNull().defaultNow(),
    nextAttemptAt: at().notNull().defaultNow(),
    /** Of no use afterwards. */
    expiresAt: at().notNull(),
    lastError: text(),
    /** Kept a week to be shown. */
    givenUpAt: at(),
  },
  (t) => [index().on(t.nextAttemptAt)],
);
