import type { Logger } from "pino";
import type { Config } from "../config.ts";
import type { Bus } from "./bus/process-bus.ts";
import type { MasterKey } from "./crypto/master-key.ts";
import type { Database, Installation, Sql } from "./db/index.ts";

/** What every verb gets: the process's parts, wired in main.ts. */
export interface Context {
  readonly config: Config;
  readonly log: Logger;
  /** postgres.js pool; for COPY and hand-written SQL. */
  readonly sql: Sql;
  /** drizzle over the same pool. */
  readonly db: Database;
  readonly bus: Bus;
  readonly masterKey: MasterKey;
  readonly installation: Installation;
  readonly clock: Clock;
}

export interface Clock {
  /** Milliseconds since 1970-01-01 UTC. */
  now(): number;
}
