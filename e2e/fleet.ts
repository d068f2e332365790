import { expect } from "vitest";
import { familyByName, families } from "@devflow/catalogue";
import { startAgents, syntheticInstances, type RunningAgents } from "../agent/src/synthetic-agents.ts";
import type { ControllerProcess } from "./controller-process.ts";

const INTERVAL_S = 10;

/** Agents with the real session and spool code and made-up values, in this process, connected to a controller in another. */
export interface Fleet {
  readonly running: RunningAgents;
  /** Waits until the controller's database answers, all agents are connected and nothing waits in a spool. */
  settled(timeoutMs: number): Promise<void>;
  /**
   * Stops the agents in order and looks into the database: of each agent each interval from its start to its end, in
   * each family each instance, once.
   * @returns intervals and rows that were found
   */
  prove(): Promise<{ intervals: number; rows: number }>;
}

export async function startFleet(controller: ControllerProcess): Promise<Fleet> {
  const count = controller.identities.length;
  const startedS: number[] = [];
  const running = await startAgents({
    count,
    target: {
      controllerHost: "127.0.0.1",
      gatewayPort: controller.gatewayPort,
      gatewayName: controller.gatewayName,
      caPem: controller.caPem,
      identity: async (index) => {
        startedS[index] = Date.now() / 1000;
        const identity = controller.identities[index];
        if (identity === undefined) throw new Error(`no identity for agent ${index}`);
        return identity;
      },
    },
    intervalMs: 1_000,
    spoolOnDisk: true,
  });
  return {
    running,
    async settled(timeoutMs) {
      const deadline = Date.now() + timeoutMs;
      // A database that was killed a moment ago may be noticed by no agent until its next interval.
      await expect.poll(async () => (await fetch(`${controller.url}/readyz`)).status, { timeout: timeoutMs, interval: 200 }).toBe(200);
      await expect.poll(() => running.connected(), { timeout: timeoutMs, interval: 200 }).toBe(count);
      await expect.poll(() => running.totals().waiting, { timeout: Math.max(1_000, deadline - Date.now()), interval: 100 }).toBe(0);
    },
    async prove() {
      const endedS = Date.now() / 1000;
      // Each sends the interval that it is in as its last word.
      await Promise.all(running.agents.map((agent) => agent.stop()));
      expect(running.totals()).toMatchObject({ waiting: 0, rejected: 0, dropped: 0 });
      const sql = await controller.sql();
      let rows = 0;
      let intervals = 0;
      try {
        for (const family of families) {
          const names = syntheticInstances[family.instance].length;
          const found = await sql<{ id: string; name: string; times: number[] }[]>`
            select s.id, m.instance_no::text as name, array_agg(extract(epoch from m.time)::int order by m.time) as times
            from ${sql(`metric_${family.name}_10s`)} m join servers s using (server_no) group by 1, 2`;
          const byAgent = Map.groupBy(found, (row) => row.id);
          for (const [index, agent] of running.agents.entries()) {
            const series = byAgent.get(agent.agentId) ?? [];
            expect(series.length, `instances of ${family.name}, agent ${index}`).toBe(names);
            for (const { times } of series) {
              const holes = times.filter((time, i) => i > 0 && time !== (times[i - 1] as number) + INTERVAL_S);
              expect(holes, `${family.name} of agent ${index} after a hole or twice, in ${times.join()}`).toEqual([]);
              // From the interval of its start (or the next, when it began in the last second) to that of its end.
              expect(times[0], `first ${family.name} of agent ${index}`).toBeLessThanOrEqual((startedS[index] as number) + INTERVAL_S + 2);
              expect((times.at(-1) as number) + INTERVAL_S, `last ${family.name} of agent ${index}`).toBeGreaterThanOrEqual(endedS - 2);
              rows += times.length;
              if (family === familyByName("host")) intervals += times.length;
            }
          }
        }
      } finally {
        await sql.end();
      }
      return { intervals, rows };
    },
  };
}
