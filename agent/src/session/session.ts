import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import type { Inventory } from "@devflow/proto/inventory/v1/inventory";
import type { RenewCertificateResponse, Welcome } from "@devflow/proto/session/v1/session";
import type { Logger } from "pino";
import type { CheckpointKeeper, RenewExpiredOptions, SecondValues } from "../feature.ts";
import type { AgentFile } from "../state/agent-file.ts";
import { loadCredentials, promoteCredentials, stageCredentials, type Credentials } from "../state/credentials.ts";
import { backoffMs, refusedDelayMs, renewExpiredDelayMs } from "./backoff.ts";
import type { Probe, SettledClock } from "./clock.ts";
import { Connection } from "./connection.ts";
import { dial } from "./dial.ts";
import { LiveRing } from "./live-ring.ts";
import type { Outcome } from "./outcome.ts";
import { makeRenewal, renewalDueMs, type RenewalRequest } from "./renewal.ts";
import type { SenderParts, Tally } from "./sender.ts";
import type { Spool } from "./spool/spool.ts";
import { saveClock, type SteadyClock } from "./steady-clock.ts";
import { applyTrust } from "./trust.ts";

/** What this agent understands, "YYYY-MM-name". */
const capabilities = ["2026-11-metrics", "2026-11-live", "2026-11-inventory"] as const;
const checkpointCapability = "2026-11-audit-checkpoints";

const RENEWAL_CHECK_MS = 10 * 60_000;
const RENEWAL_RETRY_MS = 3_600_000;

export interface SessionParts {
  readonly stateDir: string;
  readonly agent: AgentFile;
  readonly agentVersion: string;
  readonly spool: Spool;
  readonly clock: SettledClock;
  readonly steady: SteadyClock;
  readonly bootId: string;
  readonly log: Logger;
  /** Renews an identity that expired; null where there is no enrolment listener to ask. */
  readonly renewExpired: ((options: RenewExpiredOptions) => Promise<void>) | null;
  /** Null: no audit checkpoints are kept. */
  readonly checkpoints: CheckpointKeeper | null;
  readonly onClockMoved: () => void;
  readonly onCommitted?: SenderParts["onCommitted"];
  readonly onReady?: () => void;
}

export type SessionState = "dialling" | "hello" | "ready" | "draining" | "waiting" | "stopped";

/** Keeps one connection to the gateway, and dials again when it ends. */
export class Session {
  readonly #parts: SessionParts;
  readonly tally: Tally = { committed: 0, rejected: 0, lastRejection: "" };
  readonly #suspects = new Set<number>();
  readonly #ring = new LiveRing();
  readonly #stop = new AbortController();
  #connection: Connection | null = null;
  #inventory: Inventory | null = null;
  #done: Promise<void> | null = null;
  #goodAtMs: number;
  #attempt = 0;
  /** Which of several certificates is tried: the newest first, the next one when that does not connect. */
  #candidate = 0;
  #renewal: RenewalRequest | null = null;
  #renewalRetryMs = 0;
  #calledExpired = false;
  /** Steady milliseconds before which an ended certificate is not renewed again. */
  #renewExpiredFromMs = 0;
  state: SessionState = "waiting";
  /** Settled milliseconds. */
  stateSinceMs = 0;
  lastError: { readonly message: string; readonly atMs: number } | null = null;
  roundTripMs: number | null = null;
  serverName: string | null = null;
  credentials: Credentials | null = null;
  /** What Welcome offered and this agent did not accept. */
  refusedTrust: readonly string[] = [];

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.#goodAtMs = parts.steady.now();
  }

  start(): void {
    this.#done ??= this.#run();
  }

  /** Sends what waits, says Goodbye and ends: 3 s at most. */
  async stop(): Promise<void> {
    this.#enter("draining");
    this.#stop.abort();
    await this.#connection?.leave({ kind: "stopped", message: "stopped" }, "stop");
    await this.#done;
    this.#enter("stopped");
  }

  wake(): void {
    this.#connection?.wake();
  }

  setInventory(inventory: Inventory): void {
    this.#inventory = inventory;
    this.#connection?.tellInventory(inventory);
  }

  /** A second was read: kept for whoever begins to watch, and sent to whoever does. */
  sendLive(readAtMs: number, seconds: readonly SecondValues[]): void {
    this.#ring.push(readAtMs - this.#parts.clock.offsetMs, seconds);
    this.#connection?.live.send(readAtMs, seconds);
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      let outcome: Outcome;
      try {
        outcome = await this.#connectOnce();
      } catch (error) {
        outcome = { kind: "unreachable", message: (error as Error).message };
      }
      if (this.#stop.signal.aborted) return;
      this.#calledExpired = outcome.expired === true;
      if (outcome.kind === "unreachable" || outcome.kind === "refused") this.#candidate++;
      const delayMs = this.#delayMs(outcome);
      if (outcome.kind === "lost" || outcome.kind === "unreachable" || outcome.kind === "refused") {
        this.lastError = { message: outcome.message, atMs: this.#now() };
        this.#parts.log[outcome.kind === "refused" ? "error" : "warn"](
          { kind: outcome.kind, retryInMs: Math.round(delayMs) },
          outcome.message,
        );
      }
      this.#enter("waiting");
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, delayMs);
        this.#stop.signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
      });
    }
  }

  #delayMs(outcome: Outcome): number {
    this.#attempt++;
    const random = Math.random();
    if (outcome.kind === "renewed") return 0;
    if (outcome.kind === "refused") return refusedDelayMs(random);
    if (outcome.kind === "expired") return Math.max(outcome.afterMs ?? 0, 0);
    if (outcome.kind === "drained") return (outcome.afterMs ?? 0) + random * Math.max(outcome.afterMs ?? 0, 1_000);
    return backoffMs(this.#attempt, this.#parts.steady.now() - this.#goodAtMs, random);
  }

  async #connectOnce(): Promise<Outcome> {
    const { stateDir, agent, agentVersion, spool, clock, steady, bootId, log, checkpoints, onCommitted } = this.#parts;
    this.#enter("dialling");
    const credentials = await this.#chooseCredentials();
    if (credentials === null) {
      const afterMs = this.#renewExpiredFromMs - steady.now();
      return { kind: "expired", message: this.lastError?.message ?? "the certificate has expired", afterMs };
    }
    const caPem = await readFile(join(stateDir, "ca.pem"), "utf8");
    if (this.#stop.signal.aborted) return { kind: "stopped", message: "stopped" };
    const connection = new Connection({
      channel: dial(agent, credentials, caPem),
      hello: () => ({
        capabilities: checkpoints ? [...capabilities, checkpointCapability] : [...capabilities],
        agentVersion,
        bootId,
        spoolId: spool.spoolId,
        wallTimeMs: BigInt(Date.now()),
        monotonicMs: BigInt(steady.now()),
        hostname: hostname(),
        auditCheckpoints: checkpoints?.claims() ?? [],
      }),
      sender: { spool, clock, bootId, steadyNow: () => steady.now(), log, tally: this.tally, suspects: this.#suspects, onCommitted },
      inventory: () => this.#inventory,
      lastSeconds: () => this.#ring.requests(clock.offsetMs),
      onWelcome: (welcome, probe) => this.#welcomed(welcome, probe, credentials, caPem),
      onPing: (probe, roundTripUs) => {
        if (roundTripUs > 0) this.roundTripMs = roundTripUs / 1000;
        if (clock.settled && clock.ping(probe)) this.#clockMoved();
      },
      onDrain: () => this.#enter("draining"),
      onCheckpoint: async (checkpoint) => (await checkpoints?.offered(checkpoint)) ?? null,
      onRenewed: (response) => void this.#renewed(response),
    });
    this.#connection = connection;
    this.#enter("hello");
    const timer = setInterval(() => void this.#renewWhenDue(), RENEWAL_CHECK_MS);
    try {
      return await connection.ended;
    } finally {
      clearInterval(timer);
      if (connection.welcomed) this.#goodAtMs = steady.now();
      this.#renewal = null;
      this.#connection = null;
    }
  }

  /**
   * A staged certificate and the old one take turns until the staged one has connected. Null when all have ended, by
   * the controller's clock, and could not be renewed yet: nobody would let them in.
   */
  async #chooseCredentials(): Promise<Credentials | null> {
    const { stateDir, clock, steady, renewExpired, log } = this.#parts;
    let renewed = false;
    let found = await loadCredentials(stateDir);
    const ended = (): boolean => found.every((credentials) => credentials.notAfterMs < this.#now());
    if (renewExpired && (this.#calledExpired || ended()) && steady.now() >= this.#renewExpiredFromMs) {
      this.#renewExpiredFromMs = steady.now() + renewExpiredDelayMs(Math.random());
      try {
        await renewExpired({ stateDir, signal: this.#stop.signal });
        found = await loadCredentials(stateDir);
        renewed = true;
        log.info("the expired certificate was renewed");
      } catch (error) {
        this.lastError = { message: `The certificate expired and could not be renewed: ${(error as Error).message}`, atMs: this.#now() };
        log.error({ err: error }, "the certificate expired and could not be renewed");
      }
    }
    // A clock that was never settled may be what is wrong: then it is tried all the same.
    if (renewExpired && !renewed && clock.settled && ended()) return null;
    this.credentials = found[this.#candidate % found.length] as Credentials;
    return this.credentials;
  }

  async #welcomed(welcome: Welcome, probe: Probe, credentials: Credentials, caPem: string): Promise<void> {
    const { stateDir, clock, log, onReady } = this.#parts;
    if (clock.welcome(probe)) this.#clockMoved();
    this.roundTripMs = probe.receivedSteadyMs - probe.notBeforeSteadyMs;
    this.serverName = welcome.serverName;
    if (credentials.staged) await promoteCredentials(stateDir);
    const trust = await applyTrust(stateDir, caPem, welcome);
    for (const reason of trust.refused) log.error(reason);
    this.refusedTrust = trust.refused;
    this.#attempt = 0;
    this.#candidate = 0;
    this.lastError = null;
    this.#enter("ready");
    log.info({ server: welcome.serverName, roundTripMs: Math.round(this.roundTripMs) }, "connected");
    onReady?.();
    setTimeout(() => void this.#renewWhenDue(), 5_000).unref();
  }

  #clockMoved(): void {
    const { stateDir, bootId, clock, steady, log, onClockMoved } = this.#parts;
    onClockMoved();
    saveClock(stateDir, bootId, clock, steady).catch((error: unknown) =>
      log.warn({ err: error }, "the settled clock could not be kept for the next start"),
    );
  }

  async #renewWhenDue(): Promise<void> {
    const { agent, log } = this.#parts;
    const connection = this.#connection;
    if (
      !connection?.ready ||
      !this.credentials ||
      this.#renewal ||
      this.#now() < Math.max(renewalDueMs(this.credentials), this.#renewalRetryMs)
    )
      return;
    const renewal = await makeRenewal(agent.agentId);
    if (this.#connection !== connection || !connection.ready) return;
    this.#renewal = renewal;
    this.#renewalRetryMs = this.#now() + RENEWAL_RETRY_MS;
    log.info("renewing the certificate");
    connection.renew(renewal);
  }

  async #renewed(response: RenewCertificateResponse): Promise<void> {
    const { stateDir, log } = this.#parts;
    const renewal = this.#renewal;
    this.#renewal = null;
    if (!renewal) return;
    if (response.error !== "") {
      log.error({ reason: response.error }, "the controller did not renew the certificate; asking again in an hour");
      return;
    }
    try {
      await stageCredentials(stateDir, renewal.keyPem, response.certificatePem);
      await this.#connection?.leave({ kind: "renewed", message: "connecting with the renewed certificate" });
    } catch (error) {
      log.error({ err: error }, "the renewed certificate could not be stored; the old one stays in use");
    }
  }

  #now(): number {
    return this.#parts.clock.at(this.#parts.steady.now());
  }

  #enter(state: SessionState): void {
    if (this.state === state) return;
    this.state = state;
    this.stateSinceMs = this.#now();
  }
}
