import { readFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setFlagsFromString } from "node:v8";
import { createClient } from "../controller/src/platform/db/index.ts";
import { type BenchController, startBenchController } from "./_controller.ts";
import { SwarmAgent, type SwarmIdentity } from "./_swarm.ts";
import { createWalk, pushFrame } from "./_synthetic.ts";

/** 10,000 take 4 GB of memory and a few minutes; less by this setting. */
const agents = Number(process.env["DEVFLOW_BENCH_AGENTS"] ?? 1000);
const steadyMs = Number(process.env["DEVFLOW_BENCH_SECONDS"] ?? 60) * 1000;
const intervalMs = 10_000;
/** Dials under way at once: one thread stands for the processors of all agents, so it must not drown in its own. */
const dialing = 200;
const dials: (() => void)[] = [];
let dialsOpen = 0;

/** Runs `dial` when there is room for it. */
async function inTurn(dial: () => Promise<void>): Promise<void> {
  if (dialsOpen >= dialing) await new Promise<void>((resolve) => dials.push(resolve));
  dialsOpen++;
  try {
    await dial();
  } finally {
    dialsOpen--;
    dials.shift()?.();
  }
}

/** An agent that sends a batch each 10 s, keeps what was not acknowledged, and comes back by itself. */
function createMember(identity: SwarmIdentity, no: number, controller: BenchController, onAckMs: (ms: number) => void) {
  const walk = createWalk(no + 1);
  const unacked = new Map<number, { frame: Buffer; sentAt: number }>();
  let sequence = 0;
  let attempt = 0;
  let connected = false;
  let stopped = false;
  const agent = new SwarmAgent(identity, (answer) => {
    for (const { first, last } of answer.committed) {
      for (let s = Number(first); s <= Number(last); s++) {
        const sent = unacked.get(s);
        if (sent === undefined) continue;
        if (sent.sentAt > 0) onAckMs(performance.now() - sent.sentAt);
        unacked.delete(s);
      }
    }
    rejected += answer.rejected.length;
  });
  let rejected = 0;
  const again = (): void => {
    connected = false;
    if (stopped) return;
    // Full jitter, at most 10 s, as the agent does in the first two minutes.
    setTimeout(() => void dial().catch(() => undefined), Math.random() * Math.min(10_000, 500 * 2 ** attempt++));
  };
  const dial = async (): Promise<void> => {
    if (stopped) return;
    let closed = false;
    await inTurn(() =>
      agent.connect(controller.target, () => {
        if (!closed) again();
        closed = true;
      }),
    );
    connected = true;
    attempt = 0;
    for (const sent of unacked.values()) {
      sent.sentAt = 0; // its latency would be the time without a controller
      agent.push(sent.frame);
    }
  };
  return {
    dial,
    isConnected: () => connected,
    sent: () => sequence,
    rejected: () => rejected,
    unacked: () => unacked.size,
    send(): void {
      sequence++;
      // Each batch an interval of its own, so that the rows can be counted.
      const frame = pushFrame(agent.spoolId, [walk(sequence, firstS + sequence * 10)]);
      unacked.set(sequence, { frame, sentAt: connected ? performance.now() : 0 });
      if (connected) agent.push(frame);
    },
    stop(): void {
      stopped = true;
      agent.close();
    },
  };
}

const firstS = Math.floor(Date.now() / 10_000) * 10 - 3600;

/** Many agents on one controller process at 10 s: steady state, then kill -9 and everybody back. */
export async function run(): Promise<object> {
  // As the controller does. The pauses of this process are in each latency that it measures; no agent has them.
  setFlagsFromString("--external-memory-accounted-in-global-limit");
  const ownDelay = monitorEventLoopDelay({ resolution: 5 });
  const controller = await startBenchController(agents);
  const acks: number[] = [];
  try {
    const members = controller.identities.map((identity, i) => createMember(identity, i, controller, (ms) => acks.push(ms)));
    const connectBegun = performance.now();
    for (const member of members) void member.dial().catch(() => undefined); // it dials again by itself
    while (!members.every((m) => m.isConnected())) await sleep(50);
    const connectSeconds = (performance.now() - connectBegun) / 1000;
    process.stderr.write(
      `connected in ${Math.round(connectSeconds)} s, ${round(controller.cpuSeconds())} CPU s of the controller since its start\n`,
    );
    const timers = members.map((member, i) => {
      let timer = setTimeout(
        function tick() {
          member.send();
          timer = setTimeout(tick, intervalMs);
        },
        (i / members.length) * intervalMs,
      );
      return () => clearTimeout(timer);
    });
    await sleep(intervalMs * 2); // dictionaries and first rows
    acks.length = 0;
    const cpu = controller.cpuSeconds();
    const databaseCpu = controller.databaseCpuSeconds();
    const waited = controller.waitedSeconds();
    const own = process.cpuUsage();
    ownDelay.enable();
    const begun = performance.now();
    await sleep(steadyMs);
    const seconds = (performance.now() - begun) / 1000;
    const steady = acks.toSorted((a, b) => a - b);
    const ownUsed = process.cpuUsage(own);
    ownDelay.disable();
    const figures = {
      agents,
      loadAverage: round(loadavg()[0] as number),
      controllerRssMb: Math.round(controller.rssMb()),
      coreShare: round((controller.cpuSeconds() - cpu) / seconds),
      databaseCoreShare: round((controller.databaseCpuSeconds() - databaseCpu) / seconds),
      controllerWaitedShare: round((controller.waitedSeconds() - waited) / seconds),
      swarmCoreShare: round((ownUsed.user + ownUsed.system) / 1e6 / seconds),
      ackP50Ms: round(steady[Math.floor(steady.length * 0.5)] ?? Number.NaN),
      ackP99Ms: round(steady[Math.floor(steady.length * 0.99)] ?? Number.NaN),
      swarmDelayP99Ms: round(ownDelay.percentile(99) / 1e6),
      connectSeconds: round(connectSeconds),
    };
    process.stderr.write(`steady: ${JSON.stringify(figures)}\n`);
    await controller.restart("SIGKILL");
    const listening = performance.now();
    const ownBefore = process.cpuUsage();
    while (!members.every((m) => m.isConnected())) await sleep(50);
    const reconnectSeconds = round((performance.now() - listening) / 1000);
    const ownDuring = process.cpuUsage(ownBefore);
    const reconnect = {
      reconnectSeconds,
      reconnectCpuSeconds: round(controller.cpuSeconds()),
      reconnectDatabaseCpuSeconds: round(controller.databaseCpuSeconds()),
      // Near to reconnectSeconds: the one thread that plays all agents is what the way back waits for.
      reconnectSwarmCpuSeconds: round((ownDuring.user + ownDuring.system) / 1e6),
      reconnectWaitedSeconds: round(controller.waitedSeconds()),
      reconnectLoadAverage: round(loadavg()[0] as number),
    };
    await sleep(intervalMs);
    for (const stop of timers) stop();
    for (let i = 0; i < 300 && members.some((m) => m.unacked() > 0); i++) await sleep(100);
    const sent = members.reduce((n, m) => n + m.sent(), 0);
    const stored = await storedRows(controller.dataDir);
    for (const member of members) member.stop();
    return {
      ...figures,
      ...reconnect,
      lost: sent - stored,
      unacknowledged: members.reduce((n, m) => n + m.unacked(), 0),
      rejected: members.reduce((n, m) => n + m.rejected(), 0),
    };
  } finally {
    await controller.stop();
  }
}

/** Host rows in the database: one for each batch that was stored. */
async function storedRows(dataDir: string): Promise<number> {
  const lines = readFileSync(join(dataDir, "postgresql/data/postmaster.pid"), "utf8").split("\n");
  const sql = createClient({ socketFolder: lines[4] as string, database: "devflow" }, { max: 1 });
  const [row] = await sql<{ n: number }[]>`select count(*)::int as n from metric_host_10s`;
  await sql.end();
  return row?.n ?? Number.NaN;
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const round = (x: number): number => Math.round(x * 100) / 100;
