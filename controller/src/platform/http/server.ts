import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { hostname } from "node:os";
import type { Duplex } from "node:stream";
import { getRequestListener } from "@hono/node-server";
import type { Context } from "../context.ts";
import { createAddressLimits } from "../rpc/address-limits.ts";
import type { HttpApi } from "./api.ts";
import { createLiveSockets } from "./live/sockets.ts";
import { purgeIdempotencyKeys } from "./idempotency.ts";
import { createOwnHosts } from "./own-hosts.ts";
import { headFault } from "./request-head.ts";
import { answerUnreadable, refuseHead, refuseSocket } from "./unreadable.ts";

const maxConnections = 10_000;
/** Of one address or /64 that is no trusted proxy: one peer keeps nobody else out, and an office behind one address gets in. */
const maxConnectionsPerAddress = 2_000;

export interface WebListener {
  readonly port: number;
  /** Stops listening, lets running requests end (5 s), closes the rest. */
  close(): Promise<void>;
}

/** Listens for browsers and API clients. Throws Error that says what to do when the port is taken. */
export async function listenWeb(ctx: Context, api: HttpApi): Promise<WebListener> {
  const live = createLiveSockets(ctx, api);
  const listener = getRequestListener((request, env) => api.fetch(request, env), {
    overrideGlobalObjects: false,
    errorHandler: answerUnreadable,
  });
  const isOwnHost = createOwnHosts({
    publicHost: ctx.config.publicUrl?.hostname ?? null,
    allowed: ctx.config.allowedHosts,
    machine: hostname(),
  });
  const answering = new WeakMap<Duplex, ServerResponse>();
  const server = createServer(
    {
      maxHeaderSize: 16_384,
      headersTimeout: 10_000,
      requestTimeout: 60_000,
      keepAliveTimeout: 65_000,
      connectionsCheckingInterval: 5_000,
      // Ours says more.
      requireHostHeader: false,
      // Whatever else somebody would like to speak (h2c, for example), HTTP/1.1 is the answer.
      shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === "websocket",
    },
    (request, response) => {
      answering.set(request.socket, response);
      const fault = headFault(request, isOwnHost);
      if (fault === null) void listener(request, response);
      else refuseHead(fault, response);
    },
  );
  server.maxHeadersCount = 100;
  server.maxConnections = maxConnections;
  // A reader that takes nothing for so long is cut; event streams have a heartbeat, and a socket has its own.
  server.setTimeout(60_000);
  const perAddress = createAddressLimits({
    total: maxConnections,
    unprovenPerAddress: maxConnectionsPerAddress,
    perAddress: maxConnectionsPerAddress,
  });
  server.prependListener("connection", (socket: Socket) => {
    const address = socket.remoteAddress ?? "";
    // All of a site comes through its proxy.
    if (api.isProxy(address)) return;
    const ticket = perAddress.admit(address);
    if (ticket === null) socket.destroy();
    else socket.once("close", ticket.released);
  });
  server.on("upgrade", (request, socket, head) => {
    const fault = headFault(request, isOwnHost);
    if (fault === null) live.upgrade(request, socket, head);
    else refuseHead(fault, socket);
  });
  server.on("checkExpectation", (_request, response) =>
    refuseHead({ status: 417, detail: "Expected no Expect but 100-continue" }, response),
  );
  server.on("clientError", (error, socket) => refuseSocket(error, socket, answering.get(socket)));
  await listen(server, ctx.config.host, ctx.config.port);
  const purge = setInterval(() => {
    purgeIdempotencyKeys(ctx).catch((error: unknown) =>
      ctx.log.warn({ scope: "http", err: error }, "could not forget old idempotency keys"),
    );
  }, 3_600_000);
  purge.unref();
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      clearInterval(purge);
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      api.close();
      await live.close();
      server.closeIdleConnections();
      const force = setTimeout(() => server.closeAllConnections(), 5_000);
      await closed;
      clearTimeout(force);
    },
  };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const why =
        error.code === "EADDRINUSE"
          ? `Port ${port} on ${host} is in use; end what listens there, or set DEVFLOW_PORT to another port`
          : error.code === "EACCES"
            ? `Port ${port} may not be opened by this user; set DEVFLOW_PORT to 1024 or above`
            : error.code === "EADDRNOTAVAIL"
              ? `${host} is no address of this machine; set DEVFLOW_HOST to one that is`
              : `Cannot listen on ${host}:${port}: ${error.message}`;
      reject(new Error(why, { cause: error }));
    });
    server.listen(port, host, () => resolve());
  });
}
