import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freshDatabasePrefix } from "@devflow/testkit";
import type { TestProject } from "vitest/node";
import { readConfig } from "../../controller/src/config.ts";
import { prepareStorage } from "../../controller/src/features/metrics/storage/index.ts";
import { createClient, type DatabaseTarget, ensureInstallation, migrate } from "../../controller/src/platform/db/index.ts";
import { startEmbedded } from "../../controller/src/platform/db/embedded/index.ts";
import { createLog } from "../../controller/src/platform/log/index.ts";
import { ofDatabase, type TestDatabaseServer } from "../../controller/src/testing/server.ts";

declare module "vitest" {
  interface ProvidedContext {
    databaseServer: TestDatabaseServer;
  }
}

/**
 * Vitest's global setup for integration tests: one PostgreSQL for the whole run, the embedded one in a temporary
 * folder or the one of DEVFLOW_TEST_DATABASE_URL (a role that may create databases), and in it a migrated template
 * that each test file copies.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const log = createLog("warn");
  const url = process.env["DEVFLOW_TEST_DATABASE_URL"];
  const { admin, stop } =
    url === undefined || url === "" ? await startOwn() : { admin: { url } as DatabaseTarget, stop: async () => undefined };
  const sql = createClient(admin, { max: 1 });
  const template = `${freshDatabasePrefix}template_${process.pid}`;
  await sql`drop database if exists ${sql(template)} with (force)`;
  await sql`create database ${sql(template)}`;
  const target = ofDatabase(admin, template);
  await migrate({ target, log });
  const { storageEngine } = await ensureInstallation({ target, log });
  const templateSql = createClient(target, { max: 1 });
  await prepareStorage({ sql: templateSql, storageEngine, retention: readConfig({}).retention, nowMs: Date.now() });
  await templateSql.end({ timeout: 2 });
  // A template with somebody connected cannot be copied, and TimescaleDB's background workers connect to every database.
  await sql`alter database ${sql(template)} with allow_connections false`;
  await sql`select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = ${template}`;
  project.provide("databaseServer", { admin, template });

  return async () => {
    const left = await sql<{ name: string }[]>`select datname as name from pg_database where datname = ${template}`;
    for (const { name } of left) await sql`drop database ${sql(name)} with (force)`;
    await sql.end({ timeout: 5 });
    await stop();
  };

  async function startOwn(): Promise<{ admin: DatabaseTarget; stop: () => Promise<void> }> {
    const dataDir = await mkdtemp(join(tmpdir(), "devflow-test-"));
    // Nothing here has to outlive a power cut; many test files connect at once.
    await mkdir(join(dataDir, "postgresql"), { mode: 0o711 });
    await writeFile(
      join(dataDir, "postgresql/postgresql.local.conf"),
      "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\nmax_connections = 200\n",
    );
    const server = await startEmbedded({ dataDir, log });
    return {
      admin: { socketFolder: server.socketFolder, database: "devflow" },
      stop: async () => {
        await server.stop();
        await rm(dataDir, { recursive: true, force: true });
      },
    };
  }
}
