import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Logger } from "pino";
import type { CheckpointKeeper, InventorySource, MetricSource, RenewExpiredOptions } from "./feature.ts";
import { Recorder } from "./session/recorder.ts";
import type { SenderParts } from "./session/sender.ts";
import { Session } from "./session/session.ts";
import { Spool, type SpoolOptions } from "./session/spool/spool.ts";
import { loadClock, readBootId, SteadyClock } from "./session/steady-clock.ts";
import { readAgentFile } from "./state/agent-file.ts";
import { agentVersion } from "./version.ts";
import type { AgentStatus } from "./status/status.ts";

export interface AgentOptions {
  readonly stateDir: string;
  readonly metrics: readonly MetricSource[];
  readonly inventory: InventorySource | null;
  readonly renewExpired: ((options: RenewExpiredOptions) => Promise<void>) | null;
  /** Null: this agent keeps no audit checkpoints. */
  readonly checkpoints: CheckpointKeeper | null;
  readonly log: Logger;
  /** Default: <stateDir>/spool, 64 MiB, 72 h. */
  readonly spool?: SpoolOptions;
  /** Default 1000; more for synthetic agents. */
  readonly sampleMs?: number;
  /** Milliseconds over which agents spread their batches after each interval. Default 4000. */
  readonly sendSpreadMs?: number;
  readonly onCommitted?: SenderParts["onCommitted"];
  readonly onReady?: () => void;
}

export interface RunningAgent {
  readonly agentId: string;
  status(): AgentStatus;
  /** Sends what waits, says Goodbye, closes the spool: 4 s at most. */
  stop(): Promise<void>;
}

/** Starts everything that an enrolled agent does. Throws AppError when this machine is not enrolled. */
export async function startAgent(options: AgentOptions): Promise<RunningAgent> {
  const { stateDir, log } = options;
  const agent = await readAgentFile(stateDir);
  const bootId = await readBootId();
  const steady = await SteadyClock.start();
  const clock = await loadClock(stateDir, bootId, steady);
  const spool = await Spool.open(options.spool ?? { dir: join(stateDir, "spool") });
  if (spool.status.error) log.error(spool.status.error);
  if (spool.found.torn + spool.found.damaged > 0) log.warn(spool.found, "the spool held damaged records; they are left out");

  // Each agent keeps its own place in the second and after the interval, or ten thousand would speak at once.
  const spread = createHash("sha256").update(agent.agentId).digest().readUInt32LE();
  const sendDelayMs = (spread >>> 10) % Math.max(options.sendSpreadMs ?? 4_000, 1);
  const sending = new Set<NodeJS.Timeout>();
  const startedAtMs = Date.now();

  const session = new Session({
    stateDir,
    agent,
    agentVersion,
    spool,
    clock,
    steady,
    bootId,
    log,
    renewExpired: options.renewExpired,
    checkpoints: options.checkpoints,
    onClockMoved: () => recorder.clockMoved(),
    ...(options.onCommitted && { onCommitted: options.onCommitted }),
    ...(options.onReady && { onReady: options.onReady }),
  });
  const recorder = new Recorder({
    sources: options.metrics,
    spool,
    clock,
    steady,
    bootId,
    log,
    sampleMs: options.sampleMs,
    phaseMs: spread % 1000,
    onBatch: () => {
      const timer = setTimeout(() => {
        sending.delete(timer);
        session.wake();
      }, sendDelayMs);
      sending.add(timer);
    },
    onSample: (readAtMs, seconds) => session.sendLive(readAtMs, seconds),
  });
  const unwatch = options.inventory?.watch(
    (inventory) => session.setInventory(inventory),
    (error) => log.error({ err: error }, "reading the inventory failed; trying again"),
  );
  recorder.start();
  session.start();

  return {
    agentId: agent.agentId,
    status: () => ({
      version: agentVersion,
      pid: process.pid,
      startedAtMs,
      agentId: agent.agentId,
      gateway: `${agent.controllerHost}:${agent.gatewayPort}`,
      serverName: session.serverName,
      state: session.state,
      stateSinceMs: session.stateSinceMs,
      nowMs: clock.at(steady.now()),
      roundTripMs: session.roundTripMs,
      lastError: session.lastError,
      clock: { settled: clock.settled, wallAheadMs: Date.now() - clock.at(steady.now()) },
      certificateNotAfterMs: session.credentials?.notAfterMs ?? null,
      spool: spool.status,
      sent: session.tally,
      audit: options.checkpoints?.status() ?? null,
      warnings: [...session.refusedTrust],
    }),
    async stop() {
      unwatch?.();
      await recorder.stop();
      for (const timer of sending) clearTimeout(timer);
      await session.stop();
      await spool.close();
    },
  };
}
