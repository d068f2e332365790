import { bigint, boolean, index, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { at, bytea } from "../../platform/db/columns.ts";
import { users } from "../../platform/auth/schema.ts";

const userId = () =>
  text()
    .notNull()
    .references(() => users.id, { onDelete: "cascade" });

/* Of people, who may belong to several organisations: no organization_id. */

/** A person's authenticator app. */
export const totpFactors = pgTable("totp_factors", {
  userId: userId().primaryKey(),
  /** The shared secret (20 bytes), wrapped by the master key under "totp:USER". */
  sealed: bytea().notNull(),
  createdAt: at().notNull().defaultNow(),
  /** Null until the first right code: until then it is asked of nobody. */
  enabledAt: at(),
  /** Thirty-second step of the last code that was taken; only later ones are, so that no code serves twice. */
  lastStep: bigint({ mode: "number" }).notNull().default(0),
});

/** Codes for when the authenticator is lost; a used one is deleted. */
export const recoveryCodes = pgTable(
  "recovery_codes",
  {
    userId: userId(),
    /** HMAC-SHA-256 under a key of the master key, hexadecimal: a copy of the database is of no use to guess them. */
    hash: text().notNull(),
  },
  (t) => [primaryKey({ columns: [t.userId, t.hash] })],
);

export const passkeys = pgTable(
  "passkeys",
  {
    /** The authenticator's credential id, base64url. */
    id: text().primaryKey(),
    userId: userId(),
    name: text().notNull(),
    /** COSE key. */
    publicKey: bytea().notNull(),
    counter: bigint({ mode: "number" }).notNull(),
    transports: text().array().notNull(),
    /** Whether it is kept by a provider, and so on several machines. */
    backedUp: boolean().notNull(),
    createdAt: at().notNull().defaultNow(),
    lastUsedAt: at(),
  },
  (t) => [index().on(t.userId)],
);

/** What somebody chose for their own pages. */
export const userChoices = pgTable("user_choices", {
  userId: userId().primaryKey(),
  /** Whether the first steps are put away; null: never said. */
  firstStepsAway: boolean(),
});
