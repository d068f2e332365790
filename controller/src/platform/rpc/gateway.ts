import { randomUUID, type X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";
import type { DescService } from "@bufbuild/protobuf";
import { AppError } from "@devflow/errors";
import { serviceDefinition } from "@devflow/rpc";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import type { Logger } from "pino";
import type { AddressLimitOptions } from "./address-limits.ts";
import { connectionOfCall, createConnection, tieToSocket, type OpenConnection } from "./connection.ts";
import { mapHandlers, readOneAhead } from "./read-ahead.ts";
import { createRefusals } from "./refusal.ts";
import { createTlsListener } from "./tls-listener.ts";
import type { Gateway, GatewayCredentials, IdentityAnswer } from "./types.ts";

export interface GatewayOptions {
  /** UUID of this process. Default: a random one. */
  readonly id?: string;
  readonly credentials: GatewayCredentials;
  /** Whose certificate it is (the leaf), from memory or the database. Its chain and dates were verified before. */
  identify(certificate: X509Certificate): Promise<IdentityAnswer>;
  readonly log: Logger;
  /** Milliseconds since 1970-01-01 UTC. Default Date.now. */
  readonly now?: () => number;
  /** Default 20,000 in all, 4,000 unproven and 20,000 of one address (a whole site that comes back at once may be behind one). */
  readonly limits?: AddressLimitOptions;
  /** Default 10 s. */
  readonly handshakeTimeoutMs?: number;
  /** A connection without any stream is closed after this time. Default 30 s. */
  readonly idleTimeoutMs?: number;
  /** Default 10 s and 5 s: a silent agent is offline after 15 s. */
  readonly keepalive?: { readonly timeMs: number; readonly timeoutMs: number };
  readonly onRefused?: (why: string) => void;
}

export interface RunningGateway extends Gateway {
  /** @returns the bound port */
  listen(host: string, port: number): Promise<number>;
  /** Connections from now on see these; open ones live on. */
  setCredentials(credentials: GatewayCredentials): void;
  /** Every TCP connection, handshakes included. */
  readonly openSockets: number;
  /** Stops listening, runs the drain handlers (at most graceMs together), then closes all connections. */
  drain(graceMs: number): Promise<void>;
}

/** Largest message that an agent may send; PushRequest and ConnectRequest name the same bound. */
const MAX_RECEIVE_BYTES = 1024 * 1024;
/** Session, Push, Live and a stream for each task in flight. */
const MAX_STREAMS = 32;
const EXPIRY_SWEEP_MS = 60_000;

/**
 * The agents' port: own TCP and TLS listener (the backlog, limits and the identity check are not grpc-js's to have),
 * whose connections are injected into a grpc-js server. Nothing is offered to a peer without a known identity.
 */
export function createGateway(options: GatewayOptions): RunningGateway {
  const now = options.now ?? Date.now;
  const { log } = options;
  const connections = new Set<OpenConnection>();
  const drainHandlers: (() => Promise<void>)[] = [];
  const refusals = createRefusals();
  let draining = false;

  const grpc = new Server({
    "grpc.max_receive_message_length": MAX_RECEIVE_BYTES,
    "grpc.max_send_message_length": MAX_RECEIVE_BYTES,
    "grpc.max_concurrent_streams": MAX_STREAMS,
    "grpc.max_connection_idle_ms": options.idleTimeoutMs ?? 30_000,
    "grpc.keepalive_time_ms": options.keepalive?.timeMs ?? 10_000,
    "grpc.keepalive_timeout_ms": options.keepalive?.timeoutMs ?? 5_000,
    // Counters of channelz are kept for each connection and message; /metrics tells what matters.
    "grpc.enable_channelz": 0,
  });
  const injector = grpc.createConnectionInjector(ServerCredentials.createInsecure());

  const settle = async (socket: TLSSocket, proven: () => void): Promise<void> => {
    const certificate = socket.getPeerX509Certificate();
    if (certificate === undefined) return void socket.destroy();
    const { identity, refusal } = await settleIdentity(certificate);
    if (socket.destroyed) return;
    if (refusal !== undefined) {
      options.onRefused?.(refusal.reason);
      log.info({ address: socket.remoteAddress, serial: certificate.serialNumber, why: refusal.reason }, "agent refused");
      refusals.refuse(socket, refusal);
      return;
    }
    proven();
    const connection = createConnection(identity, socket, certificate.validToDate.getTime());
    connections.add(connection);
    socket.once("close", () => {
      connections.delete(connection);
      connection.ended();
    });
    tieToSocket(socket, connection);
    injector.injectConnection(socket);
  };

  const settleIdentity = async (certificate: X509Certificate): Promise<IdentityAnswer> => {
    if (draining) return { refusal: { reason: "unavailable", message: "this gateway is about to stop; dial again" } };
    if (certificate.validToDate.getTime() < now()) return { refusal: { reason: "expired", message: "renew it at the enrolment listener" } };
    try {
      return await options.identify(certificate);
    } catch (error) {
      log.error({ err: error }, "cannot settle an agent's identity");
      return { refusal: { reason: "unavailable", message: "identities cannot be looked up right now; dial again" } };
    }
  };

  const listener = createTlsListener({
    credentials: options.credentials,
    limits: options.limits ?? { total: 20_000, unprovenPerAddress: 4000, perAddress: 20_000 },
    handshakeTimeoutMs: options.handshakeTimeoutMs ?? 10_000,
    onConnection: (socket, proven) => void settle(socket, proven),
    onRefused: (why, address, detail) => {
      options.onRefused?.(why);
      log.debug({ address, why, detail }, "connection refused");
    },
  });

  const expirySweep = setInterval(() => {
    for (const connection of connections) if (connection.notAfterMs < now()) connection.close("the certificate expired");
  }, EXPIRY_SWEEP_MS);
  expirySweep.unref();

  return {
    id: options.id ?? randomUUID(),
    service: (service: DescService, handlers) => grpc.addService(serviceDefinition(service), mapHandlers(handlers, readOneAhead)),
    identityOf: (call) => connectionOfCall(call).identity,
    connectionOf: connectionOfCall,
    connections: () => connections,
    onDrain: (handler) => void drainHandlers.push(handler),
    get draining() {
      return draining;
    },
    get openSockets() {
      return listener.connections;
    },
    listen: (host, port) => {
      if (draining) throw new AppError("precondition_failed", "the gateway was drained and cannot listen again");
      return listener.listen(host, port);
    },
    setCredentials: (credentials) => listener.setCredentials(credentials),
    async drain(graceMs) {
      if (draining) return;
      draining = true;
      clearInterval(expirySweep);
      listener.stopListening();
      let timer: NodeJS.Timeout | undefined;
      const grace = new Promise<void>((resolve) => (timer = setTimeout(resolve, graceMs)));
      const work = drainHandlers.map((handler) => handler().catch((error: unknown) => log.error({ err: error }, "drain failed")));
      await Promise.race([Promise.all(work), grace]);
      clearTimeout(timer);
      for (const connection of connections) connection.close("the gateway stops");
      refusals.close();
      grpc.forceShutdown();
      listener.destroy();
    },
  };
}
