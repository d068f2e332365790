import { randomBytes } from "node:crypto";
import type postgres from "postgres";

/** A database for one test file. */
export interface FreshDatabase {
  readonly name: string;
  /** Ends what is still connected and removes it. */
  drop(): Promise<void>;
}

/** Names of all databases that freshDatabase makes begin with this. */
export const freshDatabasePrefix = "devflow_test_";

/**
 * Copies a template database, some 30 ms instead of running all migrations again.
 * @param admin connected to another database of the same server, by a role that may create databases
 * @param template nobody may be connected to it
 */
export async function freshDatabase<T extends Record<string, unknown>>(admin: postgres.Sql<T>, template: string): Promise<FreshDatabase> {
  const name = `${freshDatabasePrefix}${process.pid}_${randomBytes(5).toString("hex")}`;
  await admin`create database ${admin(name)} template ${admin(template)}`;
  return {
    name,
    async drop() {
      await admin`drop database if exists ${admin(name)} with (force)`;
    },
  };
}
