import { setTimeout as sleep } from "node:timers/promises";
import { AppError } from "@devflow/errors";
import type { Logger } from "pino";
import type { Config } from "../../config.ts";
import { createClient, createDrizzle, type DatabaseTarget, embeddedTarget } from "./client.ts";
import { createConnections } from "./connections.ts";
import { startEmbedded } from "./embedded/index.ts";
import { databaseUnavailable } from "./errors.ts";
import type { Database, Sql } from "./sql.ts";
import { watchDatabase } from "./watch.ts";

/** An open database; close() ends its connections and the embedded server. */
export interface OpenDatabase {
  readonly sql: Sql;
  readonly db: Database;
  /** Where sessions of one's own are made (advisory locks, LISTEN, pg-boss): never a pooler. */
  readonly directTarget: DatabaseTarget;
  close(): Promise<void>;
}

/** Oldest PostgreSQL that is supported, as server_version_num counts. */
const oldestServer = 150_000;

/**
 * Starts the embedded PostgreSQL, or connects to DATABASE_URL and waits until it answers.
 *
 * When the database goes away later, queries fail quickly with errors that databaseUnavailable() recognises, and
 * connections are made again as soon as it is back.
 * Throws AppError: unavailable or conflict from the embedded server, precondition_failed for a PostgreSQL before 15
 * or when the server refuses user, password or database name.
 */
export async function openDatabase(
  config: Pick<Config, "dataDir" | "databaseUrl" | "databaseDirectUrl">,
  log: Logger,
): Promise<OpenDatabase> {
  const embedded = config.databaseUrl === null ? await startEmbedded({ dataDir: config.dataDir, log }) : null;
  const target: DatabaseTarget = embedded === null ? { url: config.databaseUrl as string } : embeddedTarget(embedded.socketFolder);
  const directTarget: DatabaseTarget = config.databaseDirectUrl === null || embedded !== null ? target : { url: config.databaseDirectUrl };
  const connections = createConnections();
  const sql = createClient(target, { prepare: target === directTarget, connections });
  try {
    await waitUntilItAnswers(sql, log);
  } catch (error) {
    await sql.end({ timeout: 0 });
    await embedded?.stop();
    throw error;
  }
  const watch = watchDatabase({ target, connections, log });
  return {
    sql,
    db: createDrizzle(sql),
    directTarget,
    async close() {
      await watch.close();
      await sql.end({ timeout: 2 });
      await embedded?.stop();
    },
  };
}

async function waitUntilItAnswers(sql: Sql, log: Logger): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      const [row] = await sql<{ number: number; version: string }[]>`
        select current_setting('server_version_num')::int as number, current_setting('server_version') as version`;
      if (row !== undefined && row.number >= oldestServer) return;
      throw new AppError("precondition_failed", `PostgreSQL 15 or later is needed; the database of DATABASE_URL is ${row?.version}.`);
    } catch (error) {
      if (error instanceof AppError) throw error;
      if (databaseUnavailable(error) === undefined) {
        throw new AppError(
          "precondition_failed",
          `The database of DATABASE_URL refuses: ${(error as Error).message}. Check user, password, database name and TLS.`,
          { cause: error },
        );
      }
      const waitMs = Math.min(500 * 2 ** attempt, 5_000);
      log.warn(
        { waitMs, reason: (error as Error).message || (error as { code?: string }).code },
        "the database of DATABASE_URL does not answer yet; trying again",
      );
      await sleep(waitMs);
    }
  }
}
