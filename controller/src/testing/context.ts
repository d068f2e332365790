import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Config, readConfig } from "../config.ts";
import { createBus } from "../platform/bus/index.ts";
import type { Context } from "../platform/context.ts";
import { createMasterKey } from "../platform/crypto/index.ts";
import { type DatabaseTarget, ensureInstallation } from "../platform/db/index.ts";
import { createLog } from "../platform/log/index.ts";
import { testDatabase } from "./database.ts";

/** A Context with everything real; call close() in afterAll. */
export interface TestContext extends Context {
  readonly directTarget: DatabaseTarget;
  /** Removes the database and the data folder. */
  close(): Promise<void>;
}

/**
 * A real Context on a database and a data folder of its own: default settings, the real clock, a random master key,
 * a bus whose handlers' errors are thrown. Whatever is in `overrides` takes the place of the default.
 */
export async function testContext(overrides: Partial<Omit<Context, "config">> & { config?: Partial<Config> } = {}): Promise<TestContext> {
  const database = await testDatabase();
  const log = overrides.log ?? createLog("error");
  const dataDir = await mkdtemp(join(tmpdir(), "devflow-data-"));
  const { config, ...parts } = overrides;
  return {
    log,
    sql: database.sql,
    db: database.db,
    directTarget: database.directTarget,
    bus: createBus((error) => {
      throw error;
    }),
    masterKey: createMasterKey(randomBytes(32)),
    installation: await ensureInstallation({ target: database.directTarget, log }),
    clock: { now: () => Date.now() },
    ...parts,
    config: { ...readConfig({ DEVFLOW_DATA_DIR: dataDir }), ...config },
    async close() {
      await database.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
