import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import type { Served } from "./launch.ts";
import { runningPostmaster, stopPostmaster } from "./postmaster.ts";

/** Keeps a server alive: whenever it ends without being asked to, starts it again, after at most 10 s. */
export function supervise({ cluster, first, start, log }: { cluster: string; first: Served; start: () => Promise<Served>; log: Logger }): {
  readonly pid: number | null;
  stop(): Promise<void>;
} {
  let served: Served | null = first;
  const stopping = new AbortController();

  async function watch(): Promise<void> {
    for (let failures = 0; !stopping.signal.aborted;) {
      if (served !== null) {
        await endOf(served);
        if (stopping.signal.aborted) return;
        log.error({ pid: served.pid }, "the database server ended unexpectedly; starting it again");
        served = null;
      }
      try {
        served = await start();
        failures = 0;
        log.info({ pid: served.pid }, "the database server runs again");
      } catch (error) {
        const waitMs = Math.min(200 * 2 ** failures++, 10_000);
        log.error({ err: error, waitMs }, "the database server could not be started");
        await sleep(waitMs, undefined, { signal: stopping.signal }).catch(() => undefined); // aborted: stop() was called
      }
    }
  }

  function endOf({ pid, child }: Served): Promise<void> {
    if (child !== null) {
      return new Promise((resolve) =>
        child.exitCode !== null || child.signalCode !== null ? resolve() : child.once("exit", () => resolve()),
      );
    }
    // Not our child: nobody tells us, so look.
    return (async () => {
      while (!stopping.signal.aborted && (await runningPostmaster(cluster))?.pid === pid) await sleep(500, undefined, { ref: false });
    })();
  }

  const watching = watch();
  return {
    get pid() {
      return served?.pid ?? null;
    },
    async stop() {
      stopping.abort();
      // While it is being started again `served` is null; the watcher sees the abort once that start is over.
      if (served === null) await watching;
      const running = await runningPostmaster(cluster);
      if (running !== null) await stopPostmaster(running.pid, cluster);
    },
  };
}
