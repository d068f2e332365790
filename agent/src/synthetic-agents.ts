import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CellWriter, columnsOf, families, type Family } from "@devflow/catalogue";
import type { FamilyRows } from "@devflow/proto/metrics/v1/metrics";
import { pino, type Logger } from "pino";
import { startAgent, type RunningAgent } from "./agent.ts";
import type { MetricSource } from "./feature.ts";
import type { AgentFile } from "./state/agent-file.ts";

/** Where many agents connect to, and who each of them is. */
export interface AgentsTarget extends Omit<AgentFile, "agentId" | "enrolPort"> {
  readonly caPem: string;
  /** SPKI PEM; the tasks' signing key. */
  readonly taskSigningPem?: string;
  identity(index: number): Promise<{ readonly agentId: string; readonly keyPem: string; readonly certificatePem: string }>;
}

export interface AgentsOptions {
  readonly count: number;
  readonly target: AgentsTarget;
  /** Milliseconds between samples; a batch is made every 10 s whatever this is. Default 10,000. */
  readonly intervalMs?: number;
  /** True: each agent spools on disk as on a server. Default: in memory, to spare a benchmark's disk. */
  readonly spoolOnDisk?: boolean;
  /** Milliseconds over which batches are spread after each interval. Default 4000, as on a server. */
  readonly sendSpreadMs?: number;
  /** Agents started at the same time. Default 100. */
  readonly concurrency?: number;
  readonly log?: Logger;
  readonly onCommitted?: (index: number, batch: { sequence: number; timeS: number; waitedMs: number }) => void;
}

export interface RunningAgents {
  readonly agents: readonly RunningAgent[];
  /** How many have an answered Hello right now. */
  connected(): number;
  /** Batches committed and refused, waiting and dropped, of all agents. */
  totals(): { committed: number; rejected: number; waiting: number; dropped: number };
  /** Times from sending a batch to its answer since the last call, milliseconds, ascending. */
  takeAckMs(): number[];
  stop(): Promise<void>;
}

/** Instances of each family on a plain server. */
export const syntheticInstances: Readonly<Record<Family["instance"], readonly string[]>> = {
  host: [""],
  core: ["0", "1"],
  mount: ["/"],
  device: ["vda"],
  interface: ["eth0"],
};

/** Values of a server that does not exist: they wander, so that they compress like real ones. */
export function syntheticSource(seed: number): MetricSource {
  const writer = new CellWriter(2048);
  let state = seed * 2_654_435_761 + 1;
  const random = (): number => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
  const level = new Map<Family, number[]>();
  let samples = 0;
  const rows = (): FamilyRows[] =>
    families.map((family) => {
      const names = syntheticInstances[family.instance];
      const columns = columnsOf(family).length;
      let values = level.get(family);
      if (!values) level.set(family, (values = Array.from({ length: columns * names.length }, () => Math.floor(random() * 5_000))));
      for (const [i, value] of values.entries()) {
        const next = Math.max(0, Math.min(9_900, value + Math.round((random() - 0.5) * 20)));
        values[i] = next;
        writer.write(next);
      }
      return { $typeName: "devflow.metrics.v1.FamilyRows", family: family.id, columns, instances: [...names], cells: writer.take() };
    });
  return {
    sample() {
      samples++;
    },
    latest: () => ({ bytes: 4096, encode: rows }),
    takeInterval() {
      const taken = samples;
      samples = 0;
      return { samples: Math.min(taken, 10), families: taken === 0 ? [] : rows() };
    },
  };
}

/** Runs many real sessions (dialling, spool, clock, lanes) over real connections in this process, with synthetic values. */
export async function startAgents(options: AgentsOptions): Promise<RunningAgents> {
  const { count, target, intervalMs = 10_000, concurrency = 100, onCommitted } = options;
  const dir = await mkdtemp(join(tmpdir(), "devflow-agents-"));
  const log = options.log ?? pino({ level: "silent" });
  const agents: RunningAgent[] = [];
  let ackMs: number[] = [];
  let next = 0;
  const startSome = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) {
      const stateDir = join(dir, String(index));
      await writeState(stateDir, target, index);
      agents[index] = await startAgent({
        stateDir,
        metrics: [syntheticSource(index)],
        inventory: null,
        renewExpired: null,
        checkpoints: null,
        log,
        spool: { dir: options.spoolOnDisk ? join(stateDir, "spool") : null },
        sampleMs: intervalMs,
        ...(options.sendSpreadMs !== undefined && { sendSpreadMs: options.sendSpreadMs }),
        onCommitted(batch) {
          ackMs.push(batch.waitedMs);
          onCommitted?.(index, batch);
        },
      });
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, count) }, startSome));
  return {
    agents,
    connected: () => agents.reduce((n, agent) => n + (agent.status().state === "ready" ? 1 : 0), 0),
    totals() {
      const sum = { committed: 0, rejected: 0, waiting: 0, dropped: 0 };
      for (const { sent, spool } of agents.map((agent) => agent.status())) {
        sum.committed += sent.committed;
        sum.rejected += sent.rejected;
        sum.waiting += spool.batches;
        sum.dropped += spool.dropped;
      }
      return sum;
    },
    takeAckMs() {
      const taken = ackMs.sort((a, b) => a - b);
      ackMs = [];
      return taken;
    },
    async stop() {
      await Promise.all(agents.map((agent) => agent.stop()));
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** What enrolment leaves, without its fsyncs: nobody survives a power cut here. */
async function writeState(stateDir: string, target: AgentsTarget, index: number): Promise<void> {
  const { agentId, keyPem, certificatePem } = await target.identity(index);
  const { controllerHost, gatewayPort, gatewayName, caPem, taskSigningPem = "" } = target;
  await mkdir(stateDir, { recursive: true });
  const file: AgentFile = { controllerHost, gatewayPort, gatewayName, enrolPort: 8444, agentId };
  await Promise.all([
    writeFile(join(stateDir, "agent.json"), JSON.stringify(file)),
    writeFile(join(stateDir, "key.pem"), keyPem, { mode: 0o600 }),
    writeFile(join(stateDir, "cert.pem"), certificatePem),
    writeFile(join(stateDir, "ca.pem"), caPem),
    writeFile(join(stateDir, "task-signing.pub"), taskSigningPem),
  ]);
}
