import { AppError } from "@devflow/errors";
import { type ConstructorOptions, PgBoss } from "pg-boss";
import type { Logger } from "pino";
import { databaseName, socketPort } from "../db/embedded/index.ts";
import { databaseUnavailable, type DatabaseTarget } from "../db/index.ts";
import type { Jobs } from "./jobs.ts";

/** All crons share one queue, told apart by their key: one poll for all of them. */
const queue = "cron";

/** Jobs of this process; they run from start() to stop(). */
export interface RunningJobs extends Jobs {
  /** Makes what pg-boss needs in the database (schema "pgboss") and begins. Schedules that no code asks for any more are removed. */
  start(): Promise<void>;
  /** Waits up to 5 s for runs under way. */
  stop(): Promise<void>;
}

/**
 * @param target the database itself, not a pooler
 * @param pollSeconds how long after its minute a run may begin. Default 15
 */
export function createJobs({ target, log, pollSeconds = 15 }: { target: DatabaseTarget; log: Logger; pollSeconds?: number }): RunningJobs {
  const crons = new Map<string, { cron: string; handler: () => Promise<void> }>();
  // pg-boss over postgres.js fails on statements without parameters, so it has a small pool of its own.
  const connection: ConstructorOptions & { idleTimeoutMillis: number } = {
    ...("url" in target
      ? { connectionString: target.url }
      : { host: target.socketFolder, port: socketPort, user: databaseName, database: target.database }),
    application_name: "devflow jobs",
    max: 2,
    idleTimeoutMillis: 30_000,
    schema: "pgboss",
    cronMonitorIntervalSeconds: pollSeconds,
    cronWorkerIntervalSeconds: pollSeconds,
    superviseIntervalSeconds: 300,
    monitorIntervalSeconds: 600,
    queueCacheIntervalSeconds: 600,
  };
  const boss = new PgBoss(connection);
  // Without a listener an error, a database that is away for example, would end the process.
  boss.on("error", (error) => {
    const away = databaseUnavailable(error);
    if (away === undefined) log.error({ err: error, scope: "jobs" }, "the job queue reports an error");
    else log.warn({ scope: "jobs", reason: away.message }, "jobs wait for the database");
  });

  async function run(name: string): Promise<void> {
    const started = Date.now();
    try {
      await crons.get(name)?.handler();
      log.debug({ scope: name, ms: Date.now() - started }, "job done");
    } catch (error) {
      log.error({ err: error, scope: name }, "job failed");
      throw error;
    }
  }

  return {
    cron(name, cron, handler) {
      if (crons.has(name)) throw new AppError("internal", `two jobs are called ${name}`);
      crons.set(name, { cron, handler });
    },
    async start() {
      await boss.start();
      await boss.createQueue(queue, { retryLimit: 0, expireInSeconds: 3600, retentionSeconds: 3600, deleteAfterSeconds: 3600 });
      for (const schedule of await boss.getSchedules(queue)) {
        if (!crons.has(schedule.key)) await boss.unschedule(queue, schedule.key);
      }
      for (const [name, { cron }] of crons) await boss.schedule(queue, cron, { name }, { tz: "UTC", key: name });
      await boss.work<{ name: string }>(queue, { pollingIntervalSeconds: pollSeconds, batchSize: 16 }, async (jobs) => {
        // Together: a long one does not hold up the others. One that fails has been logged and comes again by its cron.
        await Promise.allSettled(jobs.map((job) => run(job.data.name)));
      });
    },
    async stop() {
      await boss.stop({ graceful: true, timeout: 5_000 });
    },
  };
}
