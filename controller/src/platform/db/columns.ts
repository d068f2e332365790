import { sql } from "drizzle-orm";
import { customType, timestamp, uuid } from "drizzle-orm/pg-core";

/** A point in time. */
export const at = () => timestamp({ withTimezone: true });

/** A primary key that the database makes. */
export const key = () =>
  uuid()
    .primaryKey()
    .default(sql`gen_random_uuid()`);

/** Bytes. */
export const bytea = customType<{ data: Buffer; driverData: Buffer }>({ dataType: () => "bytea" });

/** The number of a transaction. */
export const xid8 = customType<{ data: string }>({ dataType: () => "xid8" });
