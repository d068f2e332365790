import { freshDatabase } from "@devflow/testkit";
import { inject } from "vitest";
import { createClient, createDrizzle, type OpenDatabase } from "../platform/db/index.ts";
import { ofDatabase, type TestDatabaseServer } from "./server.ts";

/** A migrated database of its own for one test file, with the installation made; close() removes it. */
export async function testDatabase(): Promise<OpenDatabase> {
  const { admin, template } = inject("databaseServer" as never) as TestDatabaseServer;
  const adminSql = createClient(admin, { max: 1 });
  const fresh = await freshDatabase(adminSql, template);
  const directTarget = ofDatabase(admin, fresh.name);
  const sql = createClient(directTarget);
  return {
    sql,
    db: createDrizzle(sql),
    directTarget,
    async close() {
      await sql.end({ timeout: 2 });
      await fresh.drop();
      await adminSql.end({ timeout: 5 });
    },
  };
}
