import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { childrenOf } from "@devflow/testkit";
import { startController, postmasterPid, type ControllerProcess } from "../controller-process.ts";
import { startFleet, type Fleet } from "../fleet.ts";

/** DEVFLOW_TEST_LONG=1: minutes instead of seconds. */
const long = process.env["DEVFLOW_TEST_LONG"] === "1";
const AGENTS = 200;

describe("nothing is lost when processes are killed", () => {
  let controller: ControllerProcess | null = null;
  let fleet: Fleet | null = null;
  afterEach(async () => {
    await fleet?.running.stop();
    await controller?.stop();
  });

  it(
    `${AGENTS} agents; the controller, its database and single connections end by -9 every few seconds`,
    { timeout: 600_000 },
    async () => {
      controller = await startController({ agents: AGENTS });
      fleet = await startFleet(controller);
      const killed = { controller: 0, database: 0, backend: 0 };
      const until = Date.now() + (long ? 300_000 : 24_000);
      for (let turn = 0; Date.now() < until; turn++) {
        await sleep(2_000 + (turn % 4) * 700);
        if (turn % 3 === 1) {
          const { pid } = await postmasterPid(controller.dataDir);
          // One backend of the controller's, in the middle of its work: all others are ended and the log is recovered.
          const backend = await backendOf(pid);
          if (turn % 2 === 0 && backend !== null) {
            process.kill(backend, "SIGKILL");
            killed.backend++;
          } else {
            process.kill(pid, "SIGKILL");
            killed.database++;
          }
        } else {
          await controller.end("SIGKILL");
          await controller.start();
          killed.controller++;
        }
      }
      await fleet.settled(60_000);
      const found = await fleet.prove();
      console.log(JSON.stringify({ killed, ...found }));
      expect(killed.controller).toBeGreaterThanOrEqual(3);
      expect(killed.database + killed.backend).toBeGreaterThanOrEqual(1);
      expect(found.intervals).toBeGreaterThanOrEqual(AGENTS * (long ? 28 : 3));
    },
  );
});

/** A process of the database that serves the controller. */
async function backendOf(postmaster: number): Promise<number | null> {
  for (const pid of await childrenOf(postmaster)) {
    const title = (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).replaceAll("\0", " ");
    if (title.startsWith("postgres: devflow devflow")) return pid;
  }
  return null;
}
