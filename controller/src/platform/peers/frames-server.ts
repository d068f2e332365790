import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { AppError } from "@devflow/errors";
import type { Logger } from "pino";
import { type WebSocket, WebSocketServer } from "ws";
import { createWatchers, type Events, type ProcessBus } from "../bus/index.ts";
import { createOutbox } from "../http/live/outbox.ts";
import { keepAlive } from "./keep-alive.ts";
import { parseWatch } from "./messages.ts";
import { serverOptions, type SharedKey } from "./shared-key.ts";

export interface FramesServer {
  readonly port: number;
  close(): Promise<void>;
}

type Frame = Events["live.frame"];

/** Seconds kept of a watched server for a process whose browsers join later; as many as a page shows. */
const keepFrames = 120;
const maxConnections = 200;
/** Enough for the history of a server with hundreds of disks; a reader behind by more is cut and comes again. */
const hopelessBytes = 64 * 1024 * 1024;

/**
 * The gateway's end: other controllers say which servers their browsers watch, and get these servers' frames. A
 * connection that ends takes its watchers with it.
 * Throws AppError precondition_failed when it cannot listen.
 */
export async function serveFrames({
  bus,
  key,
  host,
  port,
  log,
}: {
  bus: ProcessBus;
  key: SharedKey;
  host: string;
  port: number;
  log: Logger;
}): Promise<FramesServer> {
  const viewers = new Map<
    WebSocket,
    { readonly origin: string; readonly watched: Set<string>; send(slot: string | null, text: string): void }
  >();
  const kept = new Map<string, Frame[]>();
  createWatchers(bus, (serverId, on) => (on ? kept.set(serverId, []) : kept.delete(serverId)));

  const tell = (serverId: string, slot: string | null, text: () => string): void => {
    let made: string | null = null;
    for (const viewer of viewers.values()) if (viewer.watched.has(serverId)) viewer.send(slot, (made ??= text()));
  };
  const offs = [
    // What came from another process goes no further, or two that watch would tell each other for ever.
    bus.on("live.frame", (event, origin) => {
      const frames = kept.get(event.serverId);
      if (origin !== null || frames === undefined) return;
      frames.push(event);
      if (frames.length > keepFrames) frames.shift();
      tell(event.serverId, event.serverId, () => JSON.stringify(["live.frame", event]));
    }),
    bus.on("live.history", (event, origin) => {
      const frames = kept.get(event.serverId);
      if (origin !== null || frames === undefined) return;
      kept.set(event.serverId, [...event.frames, ...frames].toSorted((a, b) => a.timeMs - b.timeMs).slice(-keepFrames));
      tell(event.serverId, null, () => JSON.stringify(["live.history", event]));
    }),
  ];

  const serve = (socket: WebSocket, origin: string): void => {
    const watched = new Set<string>();
    const outbox = createOutbox(
      {
        get bufferedAmount() {
          return socket.bufferedAmount;
        },
        send: (text, done) => socket.send(text, done),
      },
      Date.now,
      4_194_304,
    );
    const send = (slot: string | null, text: string): void => {
      if (socket.bufferedAmount > hopelessBytes) socket.terminate();
      else outbox.send(slot, text);
    };
    viewers.set(socket, { origin, watched, send });
    keepAlive(socket);
    socket.on("error", () => socket.terminate());
    socket.on("close", () => {
      viewers.delete(socket);
      // A second connection of the same process may have taken over already.
      const still = new Set([...viewers.values()].filter((viewer) => viewer.origin === origin).flatMap((viewer) => [...viewer.watched]));
      for (const serverId of watched) if (!still.has(serverId)) bus.receive("live.watchers", { serverId, watchers: 0 }, origin);
    });
    socket.on("message", (data, binary) => {
      const message = binary ? null : parseWatch((data as Buffer).toString());
      if (message === null) return socket.close(1003, "not a message of this protocol");
      for (const serverId of message.servers) {
        if (message.watch === watched.has(serverId)) continue;
        if (message.watch) watched.add(serverId);
        else watched.delete(serverId);
        const frames = message.watch ? kept.get(serverId) : undefined;
        if (frames !== undefined && frames.length > 0) send(null, JSON.stringify(["live.history", { serverId, frames }]));
        bus.receive("live.watchers", { serverId, watchers: message.watch ? 1 : 0 }, origin);
      }
    });
  };

  const sockets = new WebSocketServer({ noServer: true, maxPayload: 1_048_576, perMessageDeflate: false, clientTracking: false });
  const server = createServer({ ...serverOptions(key), maxHeaderSize: 4_096, headersTimeout: 5_000 }, (_request, response) =>
    response.writeHead(404).end(),
  );
  server.maxConnections = maxConnections;
  server.on("tlsClientError", (error, socket) => {
    log.warn(
      { scope: "peers", address: socket.remoteAddress, reason: error.message },
      "a connection without this installation's key was refused",
    );
    socket.destroy();
  });
  server.on("upgrade", (request, socket, head) => {
    const path = /^\/frames\/([0-9a-f-]{36})\/([0-9a-f-]{36})$/.exec(request.url ?? "");
    // Somebody else listens now where the one that was meant has been.
    if (path === null || path[2] !== bus.id)
      return void socket.end("HTTP/1.1 421 Misdirected Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    sockets.handleUpgrade(request, socket, head, (ws) => serve(ws, path[1] as string));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) =>
      reject(
        new AppError(
          "precondition_failed",
          `Cannot listen on ${host}:${port} for other controllers (${(cause as NodeJS.ErrnoException).code}). Set DEVFLOW_INTERNAL_LISTEN to an address of this machine and a free port.`,
          { cause },
        ),
      ),
    );
    server.listen(port, host, () => resolve());
  });
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      for (const off of offs) off();
      for (const socket of viewers.keys()) socket.terminate();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
