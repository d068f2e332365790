import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import type { Context } from "../context.ts";
import type { HttpApi } from "./api.ts";
import { createLiveSockets } from "./live/sockets.ts";
import { purgeIdempotencyKeys } from "./idempotency.ts";
import { answerUnreadable, refuseSocket } from "./unreadable.ts";

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
  const server = createServer(
    { maxHeaderSize: 16_384, headersTimeout: 10_000, requestTimeout: 60_000, keepAliveTimeout: 65_000, connectionsCheckingInterval: 5_000 },
    (request, response) => void listener(request, response),
  );
  server.maxHeadersCount = 100;
  server.maxConnections = 10_000;
  server.on("upgrade", (request, socket, head) => live.upgrade(request, socket, head));
  server.on("clientError", refuseSocket);
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
