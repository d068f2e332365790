import { loadavg } from "node:os";
import { startBenchController } from "./_controller.ts";
import { SwarmAgent } from "./_swarm.ts";
import { victoriaMetricsValuesPerSecond } from "./_victoria-metrics.ts";
import { createWalk, pushFrame, rowsPerBatch, valuesPerBatch } from "./_synthetic.ts";

const agents = Number(process.env["DEVFLOW_BENCH_AGENTS"] ?? 40);
/** Backlog of each agent in batches of 10 s; 1,500 are a little over 4 hours. */
const batchesEach = Number(process.env["DEVFLOW_BENCH_BATCHES"] ?? 1500);
const batchesARequest = 16;
const inFlight = 64;

/**
 * Durable ingest: agents with a backlog push it as fast as the controller acknowledges, over loopback, with mutual
 * TLS; time runs from the first request to the last acknowledgement, which comes after the commit (fsync on). A value
 * is one measure of one instance and interval; its maximum is stored beside it and not counted.
 */
export async function run(): Promise<object> {
  const controller = await startBenchController(agents);
  let measured: object = {};
  try {
    const nowS = Math.floor(Date.now() / 10_000) * 10;
    let left = agents * batchesEach;
    let rejected = 0;
    let finished: () => void = () => undefined;
    const done = new Promise<void>((resolve) => (finished = resolve));
    const swarm = controller.identities.map((identity, i) => {
      let next = 0;
      let open = 0;
      const agent = new SwarmAgent(identity, (answer) => {
        const settled = answer.committed.reduce((n, r) => n + Number(r.last - r.first) + 1, 0) + answer.rejected.length;
        rejected += answer.rejected.length;
        open -= settled;
        left -= settled;
        send();
        if (left === 0) finished();
      });
      const batchAt = createWalk(i + 1);
      const frames: Buffer[] = [];
      for (let sequence = 1; sequence <= batchesEach; sequence += batchesARequest) {
        const count = Math.min(batchesARequest, batchesEach - sequence + 1);
        frames.push(
          pushFrame(
            agent.spoolId,
            Array.from({ length: count }, (_, j) => batchAt(sequence + j, nowS - (sequence + j) * 10)),
          ),
        );
      }
      const send = (): void => {
        while (next < frames.length && open + batchesARequest <= inFlight) {
          agent.push(frames[next++] as Buffer);
          open += batchesARequest;
        }
      };
      return { agent, send };
    });
    for (const { agent } of swarm) await agent.connect(controller.target, () => undefined);
    const cpu = [controller.cpuSeconds(), controller.databaseCpuSeconds(), process.cpuUsage()] as const;
    const waited = controller.waitedSeconds();
    const begun = performance.now();
    for (const { send } of swarm) send();
    await done;
    const seconds = (performance.now() - begun) / 1000;
    const own = process.cpuUsage(cpu[2]);
    const figures = {
      valuesPerSecond: Math.round((agents * batchesEach * valuesPerBatch) / seconds),
      rowsPerSecond: Math.round((agents * batchesEach * rowsPerBatch) / seconds),
      seconds: Math.round(seconds * 10) / 10,
      rejected,
      loadAverage: round(loadavg()[0] as number),
      controllerWaitedShare: round((controller.waitedSeconds() - waited) / seconds),
      controllerCpuShare: round((controller.cpuSeconds() - cpu[0]) / seconds),
      databaseCpuShare: round((controller.databaseCpuSeconds() - cpu[1]) / seconds),
      senderCpuShare: round((own.user + own.system) / 1e6 / seconds),
      controllerRssMb: Math.round(controller.rssMb()),
    };
    for (const { agent } of swarm) agent.close();
    measured = figures;
  } finally {
    await controller.stop();
  }
  const victoriaMetrics = await victoriaMetricsValuesPerSecond(agents, batchesEach);
  return { ...measured, peers: victoriaMetrics === null ? {} : { "victoria-metrics": { valuesPerSecond: victoriaMetrics } } };
}

const round = (x: number): number => Math.round(x * 100) / 100;
