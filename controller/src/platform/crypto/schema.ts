import { integer, pgTable, primaryKey } from "drizzle-orm/pg-core";
import { at, bytea } from "../db/columns.ts";
import { ofOrganization } from "../auth/schema.ts";

/** Data keys of organisations, wrapped by the master key. The newest seals; older ones open what they sealed until it is sealed again. */
export const organizationKeys = pgTable(
  "organization_keys",
  {
    organizationId: ofOrganization(),
    version: integer().notNull(),
    wrappedKey: bytea().notNull(),
    createdAt: at().notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.organizationId, t.version] })],
);
