import { setTimeout as sleep } from "node:timers/promises";
import { AppError } from "@devflow/errors";
import { readMigrationFiles } from "drizzle-orm/migrator";
import { migrate as applyMigrations } from "drizzle-orm/postgres-js/migrator";
import type { Logger } from "pino";
import { createClient, createDrizzle, type DatabaseTarget } from "./client.ts";
import type { Sql } from "./sql.ts";
import { migrationsFolder } from "./migrations-folder.ts";

/** Key of the advisory lock under which the schema is changed: "devflow" in ASCII. */
export const schemaLock = "28258999041421175";

/**
 * Runs `change` on one connection while holding the lock that all controllers of this database share, so that several
 * that start at once change the schema one after another.
 * @param target must reach the database itself, not a pooler: the lock belongs to the session
 */
export async function underSchemaLock<T>(
  { target, log }: { target: DatabaseTarget; log: Logger },
  change: (sql: Sql) => Promise<T>,
): Promise<T> {
  const sql = createClient(target, { max: 1, idleSeconds: 0, name: "devflow schema" });
  try {
    for (let waits = 0; ; waits++) {
      const [row] = await sql<{ locked: boolean }[]>`select pg_try_advisory_lock(${schemaLock}::bigint) as locked`;
      if (row?.locked) break;
      if (waits % 40 === 20) log.info("waiting for another controller that changes the database's schema");
      await sleep(250);
    }
    return await change(sql);
  } finally {
    await sql.end({ timeout: 2 }); // the lock goes with the connection
  }
}

/** Applies what is missing of controller/migrations. Throws AppError precondition_failed when the database is ahead of this release. */
export async function migrate({
  target,
  log,
  folder = migrationsFolder(),
}: {
  target: DatabaseTarget;
  log: Logger;
  folder?: string;
}): Promise<void> {
  await underSchemaLock({ target, log }, async (sql) => {
    const known = readMigrationFiles({ migrationsFolder: folder });
    const before = await appliedAt(sql);
    const newest = Math.max(0, ...known.map((migration) => migration.folderMillis));
    if (before.some((at) => at > newest)) {
      throw new AppError(
        "precondition_failed",
        "The database was migrated by a newer DevFlow than this one. Start that release or a later one.",
      );
    }
    await applyMigrations(createDrizzle(sql), { migrationsFolder: folder });
    const after = new Set(await appliedAt(sql));
    // drizzle skips a file that is older than the last one applied, without a word.
    const skipped = known.filter((migration) => !after.has(migration.folderMillis));
    if (skipped.length > 0) {
      throw new AppError(
        "internal",
        `${skipped.length} migration(s) are older than the last one applied and were not run: ${skipped.map((m) => new Date(m.folderMillis).toISOString()).join(", ")}.`,
      );
    }
    if (after.size > before.length) log.info({ applied: after.size - before.length }, "database schema brought up to date");
  });
}

async function appliedAt(sql: Sql): Promise<number[]> {
  const [table] = await sql<{ present: boolean }[]>`select to_regclass('drizzle.__drizzle_migrations') is not null as present`;
  if (!table?.present) return [];
  return (await sql<{ at: number }[]>`select created_at as at from drizzle.__drizzle_migrations`).map((row) => row.at);
}
