import { index, integer, pgTable, text } from "drizzle-orm/pg-core";
import { at } from "../db/columns.ts";

/** How much of a limit's window was given out; controllers lease blocks of it, so that most requests write nothing. */
export const limitWindows = pgTable(
  "limit_windows",
  {
    /** "api:token:ID", "sign-in:account:…" and the window's start. */
    key: text().primaryKey(),
    used: integer().notNull(),
    endsAt: at().notNull(),
  },
  (t) => [index().on(t.endsAt)],
);
