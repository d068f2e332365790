import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import pg from "pg";
import { databaseName, socketPort } from "../db/embedded/index.ts";
import type { DatabaseTarget } from "../db/index.ts";

export interface ListenOptions {
  /** The database itself, not a pooler: LISTEN belongs to a session. */
  readonly target: DatabaseTarget;
  readonly channel: string;
  onPayload(payload: string): void;
  /** Listening again after a loss: what was told meanwhile is gone. */
  onResumed(): void;
  readonly log: Logger;
  /** A quiet connection is asked so often whether it lives. Default 10,000. */
  readonly askEveryMs?: number;
  readonly answerMs?: number;
}

const maxRetryMs = 5_000;

/**
 * A connection of its own that listens on a channel, made again with back-off whenever it is lost.
 * Throws Error when the first cannot be made.
 * @returns what ends it
 */
export async function listen(options: ListenOptions): Promise<() => Promise<void>> {
  const { log, askEveryMs = 10_000, answerMs = 5_000 } = options;
  const ending = new AbortController();
  let client: pg.Client | null = null;

  const connect = async (): Promise<void> => {
    const fresh = new pg.Client({
      ...addressOf(options.target),
      application_name: "devflow bus",
      keepAlive: true,
      connectionTimeoutMillis: answerMs,
      query_timeout: answerMs,
    });
    // "end" follows and says enough; without a listener it would end the process.
    fresh.on("error", (error) => log.debug({ scope: "bus", err: error }, "the listening connection failed"));
    fresh.on("notification", ({ payload }) => options.onPayload(payload ?? ""));
    try {
      await fresh.connect();
      await fresh.query(`listen ${pg.escapeIdentifier(options.channel)}`);
    } catch (error) {
      cut(fresh);
      throw error;
    }
    if (ending.signal.aborted) return cut(fresh);
    client = fresh;
    const lost = (): void => {
      if (client !== fresh) return;
      clearInterval(asking);
      client = null;
      cut(fresh);
      if (!ending.signal.aborted) void again();
    };
    fresh.once("end", lost);
    // A server that hangs or is cut off ends no connection.
    const asking = setInterval(() => void fresh.query("select 1").catch(lost), askEveryMs);
    asking.unref();
  };

  const again = async (): Promise<void> => {
    const sinceMs = Date.now();
    log.warn({ scope: "bus" }, "no connection to hear what other controllers tell; trying again");
    for (let attempt = 0; ; attempt++) {
      try {
        await sleep(Math.random() * Math.min(100 * 2 ** attempt, maxRetryMs), null, { signal: ending.signal });
        await connect();
        log.info({ scope: "bus", awayMs: Date.now() - sinceMs }, "hearing other controllers again");
        options.onResumed();
        return;
      } catch (error) {
        if (ending.signal.aborted) return;
        log.debug({ scope: "bus", err: error, attempt }, "cannot listen yet");
      }
    }
  };

  await connect();
  return async () => {
    ending.abort();
    if (client !== null) cut(client);
    await Promise.resolve();
  };
}

/** Ends a connection that may no longer answer. */
function cut(client: pg.Client): void {
  (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
}

/** Where a database is, for the driver "pg". */
const addressOf = (target: DatabaseTarget): pg.ClientConfig =>
  "url" in target
    ? { connectionString: target.url }
    : { host: target.socketFolder, port: socketPort, user: databaseName, database: target.database };
