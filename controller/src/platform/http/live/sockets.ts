import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { liveClientMessage, type LiveServerMessage } from "@devflow/api";
import { AppError } from "@devflow/errors";
import { WebSocketServer, type WebSocket } from "ws";
import { demandPermission } from "../../auth/decide.ts";
import { isBehind, sameAccess } from "../../auth/identity-cache.ts";
import { type Identity, principalOf } from "../../auth/index.ts";
import { isOwnOrigin } from "../../auth/origin.ts";
import type { Context } from "../../context.ts";
import { counter, gauge } from "../../observability/index.ts";
import type { HttpApi } from "../api.ts";
import { toProblem } from "../problem.ts";
import { refuseUpgrade } from "../unreadable.ts";
import { type DatabaseState, databaseState } from "./database-state.ts";
import { createOutbox } from "./outbox.ts";
import { liveText } from "./topic.ts";

export const livePath = "/api/v1/live";
const maxSocketsPerPrincipal = 50;
const maxSubscriptions = 100;
const maxMessagesPerMinute = 600;
const pingMs = 20_000;
const healthMs = 1_000;
/** A reader that is behind for this long is cut: it would show old values as if they were new. */
const hopelessMs = 30_000;
const hopelessBytes = 8_388_608;

export interface LiveSockets {
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  readonly count: number;
  close(): Promise<void>;
}

interface Connection {
  readonly identity: Identity;
  readonly end: (code: number, reason: string) => void;
  /** Messages about the connection itself; while the reader is too slow, the newest of each type waits. */
  readonly tell: (message: Extract<LiveServerMessage, { type: "health" | "missed" }>) => void;
  /** Looks again whether it may stay. */
  readonly check: () => void;
}

/** The WebSocket side of the API: the same credentials and the same decide() as the routes. */
export function createLiveSockets(ctx: Context, api: HttpApi): LiveSockets {
  const server = new WebSocketServer({ noServer: true, maxPayload: 4096, perMessageDeflate: false, clientTracking: false });
  const connections = new Set<Connection>();
  gauge("devflow_live_sockets", "Browsers connected to the live socket", (g) => g.set(connections.size));
  const cut = counter("devflow_readers_cut_total", "Readers cut since they took nothing for too long", ["kind"]);
  const offRevoked = ctx.bus.on("principal.revoked", ({ kind, id }) => {
    for (const connection of connections) if (isBehind(connection.identity, kind, id)) connection.end(4401, "signed out");
  });
  const offResumed = ctx.bus.on("bus.resumed", () => {
    for (const connection of connections) {
      connection.check();
      connection.tell({ type: "missed" });
    }
  });

  let database: DatabaseState = databaseState();
  const healthTimer = setInterval(() => {
    const next = databaseState();
    if (next.database === database.database) return;
    database = next;
    for (const connection of connections) connection.tell({ type: "health", ...next });
  }, healthMs);
  healthTimer.unref();

  const authenticate = async (request: IncomingMessage, beforeLookUp?: (address: string | null) => void) => {
    const headers = new Headers();
    for (const name of ["authorization", "cookie"] as const)
      if (request.headers[name] !== undefined) headers.set(name, request.headers[name]);
    const address = api.clientAddress(request.socket.remoteAddress, header(request, "x-forwarded-for"));
    return {
      address,
      found: await api.auth.authenticate(headers, { address, userAgent: header(request, "user-agent") }, () => beforeLookUp?.(address)),
    };
  };

  const admit = async (request: IncomingMessage, requestId: string) => {
    const { address, found } = await authenticate(request, (from) => {
      const spent = api.spent(from)?.refusal ?? null;
      if (spent !== null) throw spent;
    });
    const principal = found === null ? null : principalOf(found.identity, address, requestId);
    const counted = await api.count(principal, address);
    if (counted?.refusal) throw counted.refusal;
    demandPermission(principal, "authenticated");
    const facts = { origin: header(request, "origin"), fetchSite: header(request, "sec-fetch-site"), host: header(request, "host") };
    if (found!.viaCookie && !isOwnOrigin(facts, ctx.config.publicUrl, false))
      throw new AppError("forbidden", "This socket was opened by another site");
    const same = [...connections].filter(({ identity }) => identity.kind === found!.identity.kind && identity.id === found!.identity.id);
    if (same.length >= maxSocketsPerPrincipal)
      throw new AppError("rate_limited", `More than ${maxSocketsPerPrincipal} live connections; close some`);
    return { identity: found!.identity, address };
  };

  const serve = (socket: WebSocket, request: IncomingMessage, first: Identity, address: string | null, requestId: string) => {
    const outbox = createOutbox(
      {
        get bufferedAmount() {
          return socket.bufferedAmount;
        },
        send: (text, done) => socket.send(text, done),
      },
      () => ctx.clock.now(),
    );
    const subscriptions = new Map<string, () => void>();
    let answered = true;
    let checking = false;
    let budget = maxMessagesPerMinute;
    const end = (code: number, reason: string) => {
      if (socket.readyState === socket.OPEN) socket.close(code, reason);
      setTimeout(() => socket.terminate(), 1_000).unref();
      cleanUp();
    };
    const check = () => {
      if (checking) return;
      checking = true;
      // Sessions end and roles change without an event that reaches this process: look again.
      authenticate(request).then(
        ({ found }) => {
          checking = false;
          if (found === null || !sameAccess(found.identity, first)) end(4401, "signed out");
        },
        // The database is away: what is open stays open until it is back.
        (error: unknown) => {
          checking = false;
          ctx.log.warn({ scope: "http.live", err: error, requestId }, "could not check a session again");
        },
      );
    };
    const connection: Connection = { identity: first, end, tell: (message) => outbox.send(message.type, liveText(message)), check };
    const cleanUp = () => {
      connections.delete(connection);
      clearInterval(heartbeat);
      clearInterval(refill);
      for (const close of subscriptions.values()) close();
      subscriptions.clear();
    };
    const heartbeat = setInterval(() => {
      const stalled = outbox.stalledMs() > hopelessMs || socket.bufferedAmount > hopelessBytes;
      if (stalled || !answered) {
        // Whoever reads again within the second learns why.
        const reason = stalled ? "reads too slowly" : "answers no ping";
        cut.inc({ kind: "socket" });
        ctx.log.info({ scope: "http.live", kind: first.kind, id: first.id, requestId, reason }, "a socket was cut");
        end(4408, reason);
        return;
      }
      answered = false;
      socket.ping();
      check();
    }, pingMs);
    const refill = setInterval(() => (budget = maxMessagesPerMinute), 60_000);

    const unsubscribe = (topicName: string) => {
      subscriptions.get(topicName)?.();
      subscriptions.delete(topicName);
      outbox.forget(topicName);
    };
    const subscribe = async (topicName: string) => {
      if (subscriptions.has(topicName)) return;
      if (subscriptions.size >= maxSubscriptions)
        throw new AppError("too_large", `More than ${maxSubscriptions} subscriptions; end some first`);
      const colon = topicName.indexOf(":");
      const name = colon === -1 ? topicName : topicName.slice(0, colon);
      const id = colon === -1 ? "" : topicName.slice(colon + 1);
      const topic = api.topics.find((t) => t.name === name && t.withId === (colon !== -1));
      const principal = principalOf(first, address, requestId);
      // Claimed before the wait, so that a second message for the same topic cannot open it twice.
      const claim = () => {};
      subscriptions.set(topicName, claim);
      let start: unknown;
      try {
        const scope =
          topic === undefined || (topic.withId && !uuid.test(id))
            ? null
            : topic.scope === undefined
              ? undefined
              : topic.scope === "somewhere"
                ? "somewhere"
                : await api.scopeOf(topic.scope, id, first.organizationId);
        demandPermission(principal, topic?.permission ?? "authenticated", scope);
        start = await topic!.prepare?.();
      } catch (error) {
        if (subscriptions.get(topicName) === claim) subscriptions.delete(topicName);
        throw error;
      }
      // Meanwhile it ended, or was ended and begun again.
      if (!connections.has(connection) || subscriptions.get(topicName) !== claim) return;
      outbox.send(null, liveText({ type: "subscribed", topic: topicName }));
      const subscriber = {
        principal,
        get ready() {
          return outbox.ready;
        },
        send: (text: string) => outbox.send(topicName, text),
        drop: () => {
          unsubscribe(topicName);
          outbox.send(null, liveText({ type: "refused", topic: topicName, code: "not_found", message: "There is no such thing any more" }));
        },
      };
      subscriptions.set(topicName, topic!.open(subscriber, id, start));
    };

    connections.add(connection);
    if (database.database !== "ok") connection.tell({ type: "health", ...database });
    socket.on("pong", () => (answered = true));
    socket.on("error", () => socket.terminate());
    socket.on("close", cleanUp);
    socket.on("message", (data, binary) => {
      budget -= 1;
      const message = binary || budget < 0 ? null : parse((data as Buffer).toString());
      if (message === null) {
        end(budget < 0 ? 4429 : 4400, budget < 0 ? "too many messages" : "not a message of this protocol");
        return;
      }
      if (message.type === "ping") {
        outbox.send("pong", liveText({ type: "pong" }));
        return;
      }
      if (message.type === "unsubscribe") {
        unsubscribe(message.topic);
        return;
      }
      subscribe(message.topic).catch((error: unknown) => {
        const { problem } = toProblem(error, requestId);
        if (problem.status >= 500) ctx.log.error({ scope: "http.live", err: error, requestId }, "subscription failed");
        if (socket.readyState === socket.OPEN)
          outbox.send(null, liveText({ type: "refused", topic: message.topic, code: problem.code, message: problem.detail }));
      });
    });
  };

  return {
    get count() {
      return connections.size;
    },
    upgrade(request, socket, head) {
      const requestId = crypto.randomUUID();
      socket.on("error", () => socket.destroy());
      const path = URL.parse(request.url ?? "", "http://localhost")?.pathname;
      const admitted =
        path === livePath ? admit(request, requestId) : Promise.reject(new AppError("not_found", `The only WebSocket is ${livePath}`));
      admitted.then(
        ({ identity, address }) => server.handleUpgrade(request, socket, head, (ws) => serve(ws, request, identity, address, requestId)),
        (error: unknown) => {
          if (!(error instanceof AppError) || error.httpStatus >= 500)
            ctx.log.error({ scope: "http.live", err: error, requestId }, "upgrade failed");
          refuseUpgrade(error, requestId, socket);
        },
      );
    },
    async close() {
      offRevoked();
      offResumed();
      clearInterval(healthTimer);
      for (const connection of connections) connection.end(1001, "the controller is stopping");
      server.close();
      await Promise.resolve();
    },
  };
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

const header = (request: IncomingMessage, name: string): string | null => {
  const value = request.headers[name];
  return value === undefined ? null : String(value);
};

function parse(text: string) {
  try {
    return liveClientMessage.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    // Not JSON: the caller ends the connection.
    return null;
  }
}
