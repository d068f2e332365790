import type { Logger } from "pino";
import { reportHealth, type PartHealth } from "../observability/index.ts";
import { createClient, type DatabaseTarget } from "./client.ts";
import type { Connections } from "./connections.ts";

export interface WatchOptions {
  readonly target: DatabaseTarget;
  /** Of the pool that everything uses. */
  readonly connections: Connections;
  readonly log: Logger;
  /** Default 2000. */
  readonly everyMs?: number;
  /** A server that is silent for so long is called unavailable. Default 5000. */
  readonly answerMs?: number;
}

export interface DatabaseWatch {
  health(): PartHealth;
  close(): Promise<void>;
}

/**
 * Notices when the database no longer answers. A server that is stopped, hangs or is cut off ends no connection: what
 * was asked would wait for ever and heap up. So while it is unavailable everything that is asked fails quickly, and
 * only the watch itself goes on asking.
 *
 * Costs nothing while the pool hears from the server anyway; otherwise a connection of its own asks "select 1".
 */
export function watchDatabase(options: WatchOptions): DatabaseWatch {
  const { target, connections, log, everyMs = 2_000, answerMs = 5_000 } = options;
  let health: PartHealth = { state: "ok", sinceMs: Date.now() };
  let timer: NodeJS.Timeout | null = null;
  let closed = false;

  async function answers(): Promise<Error | null> {
    // A fresh one each time: an old one may hang where a new one would not.
    const sql = createClient(target, { max: 1, name: "devflow watch" });
    let late: NodeJS.Timeout | null = null;
    try {
      const waited = new Promise<never>((_, reject) => {
        late = setTimeout(() => reject(new Error(`no answer within ${answerMs / 1000} s`)), answerMs);
      });
      await Promise.race([sql`select 1`, waited]);
      return null;
    } catch (error) {
      return error as Error;
    } finally {
      if (late !== null) clearTimeout(late);
      void sql.end({ timeout: 0 }).catch(() => undefined); // it never connected
    }
  }

  async function look(): Promise<void> {
    const begunMs = Date.now();
    if (health.state === "ok" && performance.now() - connections.heardAtMs < everyMs * 2) return;
    const failure = await answers();
    if (closed) return;
    if (failure === null) {
      if (health.state === "ok") return;
      log.info({ scope: "db", awayMs: Date.now() - health.sinceMs }, "the database answers again");
      connections.refuse(null);
      health = { state: "ok", sinceMs: Date.now() };
    } else if (health.state === "ok") {
      log.error({ scope: "db", err: failure }, "the database does not answer; agents keep their data until it does");
      health = { state: "unavailable", sinceMs: begunMs };
      connections.refuse(Object.assign(new Error("the database does not answer"), { code: "ETIMEDOUT" }));
    }
  }

  const again = (): void => {
    timer = setTimeout(() => void look().finally(() => closed || again()), everyMs);
    timer.unref();
  };
  again();
  reportHealth("database", () => health);
  return {
    health: () => health,
    async close() {
      closed = true;
      if (timer !== null) clearTimeout(timer);
      connections.refuse(null);
      await Promise.resolve();
    },
  };
}
