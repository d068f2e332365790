import { AppError } from "@devflow/errors";
import type { Logger } from "pino";
import type { DatabaseTarget } from "./client.ts";
import { underSchemaLock } from "./migrate.ts";
import type { Sql } from "./sql.ts";

/** What a database belongs to. */
export interface Installation {
  readonly id: string;
  readonly epoch: number;
  readonly storageEngine: "plain" | "timescaledb";
  /** Every object made before organisations can be chosen belongs to this one. */
  readonly defaultOrganizationId: string;
}

/** Oldest TimescaleDB whose columnstore we use. */
const oldestTimescale = [2, 28] as const;

/**
 * The installation that this database belongs to; made, with its default organisation and storage engine, when there
 * is none yet. Throws AppError precondition_failed when TimescaleDB, once settled on, has gone.
 */
export async function ensureInstallation({ target, log }: { target: DatabaseTarget; log: Logger }): Promise<Installation> {
  return underSchemaLock({ target, log }, async (sql) => {
    const found = await readInstallation(sql);
    if (found !== null) {
      if (found.storageEngine === "timescaledb" && (await timescaleVersion(sql)) === null) {
        throw new AppError(
          "precondition_failed",
          "This database keeps its metrics in TimescaleDB, but the extension is not loaded. Put timescaledb into shared_preload_libraries and start the database again.",
        );
      }
      return found;
    }
    const storageEngine = await settleStorageEngine(sql, log);
    await sql.begin(async (tx) => {
      await tx`insert into organizations (name) values ('Default')`;
      await tx`insert into installation (singleton, id, epoch, storage_engine) values (1, gen_random_uuid(), 1, ${storageEngine})`;
    });
    const made = (await readInstallation(sql)) as Installation;
    log.info({ installation: made.id, storageEngine }, "installation made");
    return made;
  });
}

async function readInstallation(sql: Sql): Promise<Installation | null> {
  const [row] = await sql<Installation[]>`
    select i.id, i.epoch, i.storage_engine as "storageEngine",
      (select o.id from organizations o order by o.created_at, o.id limit 1) as "defaultOrganizationId"
    from installation i`;
  return row === undefined ? null : { ...row };
}

/** TimescaleDB when it is there, new enough and with its community features; otherwise plain PostgreSQL. */
async function settleStorageEngine(sql: Sql, log: Logger): Promise<Installation["storageEngine"]> {
  const [available] = await sql<{ version: string }[]>`
    select coalesce(installed_version, default_version) as version from pg_available_extensions where name = 'timescaledb'`;
  if (available === undefined) return "plain";
  const plainBecause = (reason: string): "plain" => {
    log.warn(
      { version: available.version },
      `TimescaleDB is installed but not used: ${reason}. Metrics go into plain tables; this is settled when a database is made.`,
    );
    return "plain";
  };
  if (!isAtLeast(available.version, oldestTimescale)) return plainBecause(`version ${oldestTimescale.join(".")} or later is needed`);
  try {
    await sql`create extension if not exists timescaledb`;
  } catch (error) {
    return plainBecause((error as Error).message);
  }
  const version = await timescaleVersion(sql);
  if (version === null) return plainBecause("it is not in shared_preload_libraries, or is the build without the community features");
  return isAtLeast(version, oldestTimescale) ? "timescaledb" : plainBecause(`version ${oldestTimescale.join(".")} or later is needed`);
}

/** Version of the extension in this database when it is loaded with the community license; null otherwise. */
async function timescaleVersion(sql: Sql): Promise<string | null> {
  const [row] = await sql<{ version: string | null }[]>`
    select (select extversion from pg_extension where extname = 'timescaledb') as version
    where current_setting('timescaledb.license', true) = 'timescale'`;
  return row?.version ?? null;
}

/** Whether "2.28.3" is at least [2, 28]. */
export function isAtLeast(version: string, [major, minor]: readonly [number, number]): boolean {
  const [a = 0, b = 0] = version.split(".").map((part) => Number.parseInt(part, 10));
  return a > major || (a === major && b >= minor);
}
