import type { AuditCheckpoint, AuditReport } from "@devflow/proto/audit/v1/audit";
import type { ConnectRequest, Pong, RenewCertificateRequest, SessionService } from "@devflow/proto/session/v1/session";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ConnectResponseSchema } from "@devflow/proto/session/v1/session";
import type { Inventory } from "@devflow/proto/inventory/v1/inventory";
import { AppError } from "@devflow/errors";
import type { ServerStream } from "@devflow/rpc";
import type { Logger } from "pino";
import { databaseUnavailable } from "../../platform/db/index.ts";
import { type AgentConnection, status } from "../../platform/rpc/index.ts";
import { type Greeting, readHello } from "./greeting.ts";
import type { createWarnings } from "./warnings.ts";

const HELLO_WITHIN_MS = 10_000;
export const PING_EVERY_MS = 60_000;
const PROBE_MS = 5_000;
/** Messages an agent may send: 60 at once, 10 a second over time. */
const BURST = 60;
const MESSAGES_A_SECOND = 10;
const INVENTORY_GAP_MS = 5_000;
/** A refused stream gets so long to carry its reason before the connection is cut; a revoked agent is off within a second. */
const LINGER_MS = 500;

type Call = ServerStream<typeof SessionService, "connect">;
type Response = NonNullable<MessageInitShape<typeof ConnectResponseSchema>["message"]>;

/** Welcome without the clock, which is read when it is sent. */
export interface WelcomeParts {
  readonly capabilities: string[];
  readonly metricIntervalSeconds: number;
  readonly maxBatchesInFlight: number;
  readonly serverName: string;
  readonly caPem: string[];
  readonly live: boolean;
  readonly taskSigningKey: Uint8Array;
  readonly auditCheckpoint?: AuditCheckpoint | undefined;
}

export interface SessionDependencies {
  readonly log: Logger;
  readonly now: () => number;
  /** Settles whether the agent may have a session; throws AppError when not. */
  greeted(session: AgentSession, greeting: Greeting): Promise<{ welcome: WelcomeParts; warnings: ReturnType<typeof createWarnings> }>;
  inventory(session: AgentSession, inventory: Inventory): Promise<void>;
  renew(session: AgentSession, request: RenewCertificateRequest): Promise<string>;
  roundTrip(session: AgentSession, ms: number): void;
  auditReport(session: AgentSession, report: AuditReport): void;
}

/** One agent's Session stream. */
export interface AgentSession {
  readonly connection: AgentConnection;
  /** Of agent_sessions; 0 until the session is held. */
  epoch: number;
  readonly greeting: Greeting | null;
  readonly warnings: ReturnType<typeof createWarnings> | null;
  send(message: Response): void;
  /** Whether the agent answers a ping within 5 s. */
  probe(): Promise<boolean>;
  /** Ends the stream with a reason and the connection soon after. */
  refuse(code: status, reason: string): void;
}

/** Speaks Session with one agent from the first message to the last. */
export function serveSession(call: Call, connection: AgentConnection, parts: SessionDependencies): AgentSession {
  const { now, log } = parts;
  const pings = new Map<bigint, { sentAt: number; wallMs: number; answered: (() => void)[] }>();
  let nextPing = 1n;
  let roundTripUs = 0;
  let ended = false;
  let welcomed = false;
  let greeting: Greeting | null = null;
  let warnings: ReturnType<typeof createWarnings> | null = null;
  let tokens = BURST;
  let refilledAt = now();
  let pendingInventory: Inventory | null = null;
  let inventoryTimer: NodeJS.Timeout | null = null;
  let inventoryAt = Number.NEGATIVE_INFINITY;
  let renewing = false;
  let pingTimer: NodeJS.Timeout | null = null;
  const helloTimer = setTimeout(
    () => session.refuse(status.DEADLINE_EXCEEDED, `expected Hello within ${HELLO_WITHIN_MS / 1000} s`),
    HELLO_WITHIN_MS,
  );

  const session: AgentSession = {
    connection,
    epoch: 0,
    get greeting() {
      return greeting;
    },
    get warnings() {
      return warnings;
    },
    send(message) {
      // An agent that does not read is one that does not live; keepalive ends it.
      if (!ended && !call.writableNeedDrain) call.write({ message });
    },
    probe: () =>
      new Promise((resolve) => {
        if (ended) return resolve(false);
        const timer = setTimeout(() => resolve(false), PROBE_MS);
        ping(() => {
          clearTimeout(timer);
          resolve(true);
        });
      }),
    refuse(code, reason) {
      if (ended) return;
      stop();
      log.info({ serverId: connection.identity.serverId, address: connection.address, reason }, "session ended");
      call.emit("error", { code, details: reason });
      setTimeout(() => connection.close(reason), LINGER_MS);
    },
  };

  function stop(): void {
    ended = true;
    for (const timer of [helloTimer, pingTimer, inventoryTimer]) if (timer !== null) clearTimeout(timer);
  }

  function ping(answered?: () => void): void {
    const id = nextPing++;
    const wallMs = now();
    pings.set(id, { sentAt: performance.now(), wallMs, answered: answered === undefined ? [] : [answered] });
    for (const old of pings.keys()) if (pings.size > 4) pings.delete(old);
    session.send({ case: "ping", value: { id, wallTimeMs: BigInt(wallMs), previousRoundTripUs: roundTripUs } });
  }

  function pong(message: Pong): void {
    const sent = pings.get(message.id);
    if (sent === undefined) return;
    pings.delete(message.id);
    const tookMs = performance.now() - sent.sentAt;
    roundTripUs = Math.round(tookMs * 1000);
    parts.roundTrip(session, Math.round(tookMs * 10) / 10);
    warnings?.clock(Number(message.wallTimeMs) - (sent.wallMs + tookMs / 2));
    for (const done of sent.answered) done();
  }

  async function hello(message: Extract<ConnectRequest["message"], { case: "hello" }>["value"]): Promise<void> {
    if (greeting !== null) throw new AppError("invalid", "expected one Hello, got another");
    clearTimeout(helloTimer);
    greeting = readHello(message);
    const arrivedAt = now();
    const { welcome, warnings: made } = await parts.greeted(session, greeting);
    if (ended) return;
    warnings = made;
    connection.session = { spoolId: greeting.spoolId, bootId: greeting.bootId };
    call.write({ message: { case: "welcome", value: { ...welcome, wallTimeMs: BigInt(now()) } } });
    welcomed = true;
    warnings.clock(greeting.wallTimeMs - arrivedAt);
    ping();
    const again = (): void => {
      ping();
      warnings?.tick();
      pingTimer = setTimeout(again, PING_EVERY_MS);
    };
    pingTimer = setTimeout(again, PING_EVERY_MS);
  }

  /** The newest inventory counts; one that changes all the time is stored every 5 s at most. */
  function inventory(message: Inventory): void {
    pendingInventory = message;
    inventoryTimer ??= setTimeout(storeInventory, Math.max(0, inventoryAt + INVENTORY_GAP_MS - now()));
  }

  function storeInventory(): void {
    inventoryTimer = null;
    const newest = pendingInventory;
    pendingInventory = null;
    inventoryAt = now();
    if (newest === null || ended) return;
    parts.inventory(session, newest).catch((error: unknown) => {
      // The database is away: that ends no session, or servers would show as offline because of it.
      if (databaseUnavailable(error) === undefined) return failed(error);
      if (!ended) inventory(pendingInventory ?? newest);
    });
  }

  async function renew(request: RenewCertificateRequest): Promise<void> {
    if (renewing) throw new AppError("invalid", "expected one certificate renewal at a time");
    renewing = true;
    try {
      session.send({ case: "renewCertificate", value: { certificatePem: await parts.renew(session, request), error: "" } });
    } catch (error) {
      if (!(error instanceof AppError))
        log.error({ err: error, serverId: connection.identity.serverId }, "a certificate could not be renewed");
      const message =
        error instanceof AppError ? error.message : "The controller could not renew the certificate; its log says why. Ask again later.";
      session.send({ case: "renewCertificate", value: { certificatePem: "", error: message } });
    } finally {
      renewing = false;
    }
  }

  function leave(): void {
    if (ended) return;
    stop();
    call.end();
    setTimeout(() => connection.close("the agent ended its session"), LINGER_MS);
  }

  function failed(error: unknown): void {
    if (!(error instanceof AppError)) log.error({ err: error, serverId: connection.identity.serverId }, "a session failed");
    session.refuse(
      error instanceof AppError ? error.grpcStatus : status.UNAVAILABLE,
      error instanceof AppError ? error.message : "the controller cannot serve this session right now; dial again",
    );
  }

  async function handle({ message }: ConnectRequest): Promise<void> {
    const at = now();
    tokens = Math.min(BURST, tokens + (Math.max(0, at - refilledAt) / 1000) * MESSAGES_A_SECOND) - 1;
    refilledAt = at;
    if (tokens < 0) return session.refuse(status.RESOURCE_EXHAUSTED, `expected at most ${MESSAGES_A_SECOND} messages a second on Session`);
    if (message.case === "hello") return hello(message.value);
    if (!welcomed && message.case !== "pong")
      throw new AppError("invalid", `expected Hello first and the rest after Welcome, got ${message.case ?? "an unknown message"}`);
    switch (message.case) {
      case "pong":
        return pong(message.value);
      case "inventory":
        return inventory(message.value);
      case "renewCertificate":
        return renew(message.value);
      case "spoolReport":
        return warnings?.spool(message.value);
      case "auditReport":
        return parts.auditReport(session, message.value);
      case "goodbye":
        return leave();
      default: // of a newer agent
    }
  }

  call.on("data", (request: ConnectRequest) => {
    if (!ended) handle(request).catch(failed);
  });
  // One connection, one session: whatever ends the stream ends the connection.
  call.on("end", leave);
  for (const event of ["cancelled", "error"]) call.on(event, stop);
  connection.onClose(stop);
  return session;
}
