import { index, integer, pgTable, text, timestamp } from "drizzle-orm/pg-core";

/** How much of a limit's window was given out; controllers lease blocks of it, so that most requests write nothing. */
export const limitWindows = pgTable(
  "limit_windows",
  {
    /** "api:token:ID", "sign-in:account:…" and the window's start. */
    key: text().primaryKey(),
    used: integer().notNull(),
    endsAt: timestamp({ withTimezone: true }).notNull(),
  },
  (t) => [index().on(t.endsAt)],
);
