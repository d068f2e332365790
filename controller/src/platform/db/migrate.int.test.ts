import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freshDatabase } from "@devflow/testkit";
import { afterEach, beforeEach, describe, expect, inject, it } from "vitest";
import { ofDatabase, type TestDatabaseServer } from "../../testing/server.ts";
import { createLog } from "../log/index.ts";
import { createClient, type DatabaseTarget, ensureInstallation, migrate, type Sql } from "./index.ts";
import { migrationsFolder } from "./migrations-folder.ts";

const log = createLog("silent");
const { admin } = inject("databaseServer" as never) as TestDatabaseServer;
let adminSql: Sql;
let sql: Sql;
let target: DatabaseTarget;
let drop: () => Promise<void>;
let folder: string;

beforeEach(async () => {
  adminSql = createClient(admin, { max: 1 });
  const fresh = await freshDatabase(adminSql, "template0");
  target = ofDatabase(admin, fresh.name);
  sql = createClient(target);
  drop = () => fresh.drop();
  folder = await mkdtemp(join(tmpdir(), "devflow-migrations-"));
  await cp(migrationsFolder(), folder, { recursive: true });
});
afterEach(async () => {
  await sql.end({ timeout: 2 });
  await drop();
  await adminSql.end();
  await rm(folder, { recursive: true });
});

/** Appends a migration to the folder's copy; whenMs is what drizzle orders by. */
async function addMigration(name: string, whenMs: number, statement: string): Promise<void> {
  await writeFile(join(folder, `${name}.sql`), statement);
  const path = join(folder, "meta/_journal.json");
  const journal = JSON.parse(await readFile(path, "utf8")) as { entries: object[] };
  journal.entries.push({ idx: journal.entries.length, version: "7", when: whenMs, tag: name, breakpoints: true });
  await writeFile(path, JSON.stringify(journal));
}
const later = Date.UTC(2100, 0, 1);

describe("migrate", () => {
  it("runs each migration once when several controllers start at once, and settles one installation", async () => {
    await addMigration("2100_once", later, "create table made_once (n int); insert into made_once values (1)");
    const starts = await Promise.all(
      Array.from({ length: 5 }, async () => {
        await migrate({ target, log, folder });
        return ensureInstallation({ target, log });
      }),
    );
    expect(new Set(starts.map((i) => JSON.stringify(i))).size).toBe(1);
    expect(await sql`select count(*)::int as rows from made_once`).toEqual([{ rows: 1 }]);
    expect(await sql`select count(*)::int as n from organizations`).toEqual([{ n: 1 }]);
    await migrate({ target, log, folder });
    expect(await ensureInstallation({ target, log })).toEqual(starts[0]);
  });

  it("leaves the database as it was when a migration fails, and goes on once it is mended", async () => {
    await migrate({ target, log });
    await addMigration("2100_a", later, "create table half_done (n int)");
    await addMigration("2100_b", later + 1, "create table half_done (n int)");
    await expect(migrate({ target, log, folder })).rejects.toThrow(/half_done/);
    expect(await sql`select to_regclass('half_done') as made`).toEqual([{ made: null }]);
    await writeFile(join(folder, "2100_b.sql"), "alter table half_done add column more int");
    await migrate({ target, log, folder });
    expect(await sql`select more from half_done`).toEqual([]);
  });

  it("refuses a database that a newer release migrated", async () => {
    await addMigration("2100_new", later, "select 1");
    await migrate({ target, log, folder });
    await expect(migrate({ target, log })).rejects.toMatchObject({
      code: "precondition_failed",
      message: expect.stringContaining("newer DevFlow") as string,
    });
  });

  it("does not skip a migration that is older than the last one without a word", async () => {
    await addMigration("2100_new", later, "select 1");
    await migrate({ target, log, folder });
    await addMigration("2099_forgotten", later - 1, "create table forgotten (n int)");
    await expect(migrate({ target, log, folder })).rejects.toThrow(/older than the last one applied/);
  });
});
