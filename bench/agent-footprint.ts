import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { runtimeEnvironment, runtimeFlags } from "../agent/src/runtime-flags.ts";
import { buildAgent } from "../scripts/build-agent.ts";
import { startEndpoint } from "./_endpoint.ts";
import { startPeerAgents } from "./_peer-agents.ts";
import { type Footprint, usageOf, watch } from "./_process-usage.ts";

/** Connected, inventory sent, first batches out, the start's memory given back (host/memory.ts): what follows is every day. */
const WARM_UP_SECONDS = 40;
const DEFAULT_SECONDS = 180;

interface Figures extends Footprint {
  /** CPU time until the first window: starting, connecting and the first seconds. Not in the figures by the hour. */
  readonly startCpuSeconds: number;
  /** CPU time of the child that reads the hardware once at the start and once a day. Not in the others either. */
  readonly inventoryChildCpuSeconds: number;
  /** The same while somebody watches: a live frame each second. */
  readonly watched: Footprint;
  readonly peers: Record<string, Footprint>;
}

/**
 * Memory and CPU of one agent in its steady state, that reads everything each second and sends to an endpoint over mutual
 * TLS, and of other agents of this machine at the same pace in the same run. BENCH_SECONDS: length of each window, default 180.
 */
export async function run(): Promise<Figures> {
  const seconds = Number(process.env.BENCH_SECONDS ?? DEFAULT_SECONDS);
  const folder = mkdtempSync(join(tmpdir(), "devflow-bench-agent-"));
  const stateDir = join(folder, "state");
  const { bundlePath } = await buildAgent(folder);
  const endpoint = await startEndpoint(stateDir);
  const agent = spawn(process.execPath, [...runtimeFlags, bundlePath, "run"], {
    env: { ...runtimeEnvironment, PATH: process.env.PATH, DEVFLOW_AGENT_STATE_DIR: stateDir },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const peers = await startPeerAgents(folder);
  try {
    if (agent.pid === undefined) throw new Error("the agent did not start");
    console.log(`warming up for ${WARM_UP_SECONDS} s, then two windows of ${seconds} s`);
    await sleep(WARM_UP_SECONDS * 1000);
    // Started programs must be what is measured, not a wrapper that started them.
    if (!existsSync(`/proc/${agent.pid}`) || !readFileSync(`/proc/${agent.pid}/cmdline`, "utf8").includes(bundlePath))
      throw new Error("the agent is not running any more");

    const started = usageOf(agent.pid);
    const before = { batches: endpoint.batches(), values: peers.map((p) => p.values()) };
    const usage = await watch({ agent: agent.pid, ...Object.fromEntries(peers.map((p) => [p.name, p.pid])) }, seconds);
    const batches = endpoint.batches() - before.batches;
    if (batches < seconds / 10 - 2) throw new Error(`expected about ${seconds / 10} batches in ${seconds} s, ${batches} came`);
    const silent = peers.filter((p, i) => p.values() - (before.values[i] as number) < seconds * 0.8).map((p) => p.name);
    if (silent.length > 0) throw new Error(`${silent.join(", ")} did not answer each second`);

    endpoint.setLive(true);
    await sleep(3000);
    const frames = endpoint.frames();
    const watched = (await watch({ agent: agent.pid }, seconds)).agent as Footprint;
    if (endpoint.frames() - frames < seconds - 2) throw new Error(`expected ${seconds} live frames, ${endpoint.frames() - frames} came`);

    const { agent: own, ...others } = usage;
    const startCpuSeconds = Math.round(started.cpuSeconds * 100) / 100;
    return { ...(own as Footprint), startCpuSeconds, inventoryChildCpuSeconds: started.childCpuSeconds, watched, peers: others };
  } finally {
    agent.kill("SIGTERM");
    for (const p of peers) p.stop();
    await sleep(1000);
    endpoint.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
