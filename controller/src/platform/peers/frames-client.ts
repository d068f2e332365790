import type { Logger } from "pino";
import { WebSocket } from "ws";
import type { ProcessBus } from "../bus/index.ts";
import { keepAlive } from "./keep-alive.ts";
import { parseTold, serversAtOnce, type WatchMessage } from "./messages.ts";
import type { Controller } from "./registry.ts";
import { clientOptions, type SharedKey } from "./shared-key.ts";

export interface FramesClient {
  /** The controllers that there are now. */
  follow(others: readonly Controller[]): void;
  /** Gateways with an open connection. */
  readonly connected: number;
  close(): void;
}

interface Link {
  readonly controller: Controller;
  socket: WebSocket | null;
  timer: NodeJS.Timeout | null;
  attempt: number;
}

const maxRetryMs = 5_000;
const maxFrameBytes = 64 * 1024 * 1024;

/**
 * The end of a process with browsers: a connection to each other gateway, which is told what they watch and whose
 * frames are put on this process's bus. Open connections outlive their controller's row; others are given up with it.
 */
export function followFrames({ bus, key, log }: { bus: ProcessBus; key: SharedKey; log: Logger }): FramesClient {
  const watching = new Set<string>();
  const links = new Map<string, Link>();

  const send = (socket: WebSocket | null, message: WatchMessage): void => {
    if (socket?.readyState !== WebSocket.OPEN) return;
    for (let at = 0; at < message.servers.length; at += serversAtOnce)
      socket.send(JSON.stringify({ ...message, servers: message.servers.slice(at, at + serversAtOnce) }));
  };
  const off = bus.on("live.watchers", ({ serverId, watchers }, origin) => {
    if (origin !== null || watching.has(serverId) === watchers > 0) return;
    if (watchers > 0) watching.add(serverId);
    else watching.delete(serverId);
    for (const { socket } of links.values()) send(socket, { watch: watchers > 0, servers: [serverId] });
  });

  const dial = (link: Link): void => {
    const { id, hostname, internalAddress } = link.controller;
    link.timer = null;
    const socket = new WebSocket(`wss://${internalAddress}/frames/${bus.id}/${id}`, {
      ...clientOptions(key),
      handshakeTimeout: 5_000,
      maxPayload: maxFrameBytes,
      perMessageDeflate: false,
    });
    link.socket = socket;
    let reason = "it was closed";
    socket.on("open", () => {
      link.attempt = 0;
      keepAlive(socket);
      log.debug({ scope: "peers", controller: id, hostname, internalAddress }, "live frames come from this controller");
      send(socket, { watch: true, servers: [...watching] });
    });
    socket.on("message", (data) => {
      const told = parseTold((data as Buffer).toString());
      if (told !== null) bus.receive(told[0], told[1], id);
    });
    socket.on("error", (error) => (reason = error.message));
    socket.on("close", () => {
      link.socket = null;
      if (links.get(id) !== link) return;
      // Once, and again each minute or so: live values of its servers come every 10 s only.
      if (link.attempt % 12 === 3)
        log.warn(
          { scope: "peers", controller: id, hostname, internalAddress, reason },
          "no live frames from this controller; check its DEVFLOW_INTERNAL_LISTEN",
        );
      link.timer = setTimeout(() => dial(link), Math.random() * Math.min(200 * 2 ** link.attempt++, maxRetryMs));
      link.timer.unref();
    });
  };
  const drop = (link: Link): void => {
    links.delete(link.controller.id);
    if (link.timer !== null) clearTimeout(link.timer);
    link.socket?.terminate();
  };

  return {
    follow(others) {
      const wanted = new Map(others.filter(({ internalAddress }) => internalAddress !== null).map((other) => [other.id, other]));
      for (const link of links.values()) if (!wanted.has(link.controller.id) && link.socket?.readyState !== WebSocket.OPEN) drop(link);
      for (const [id, controller] of wanted) {
        if (links.has(id)) continue;
        const link: Link = { controller, socket: null, timer: null, attempt: 0 };
        links.set(id, link);
        dial(link);
      }
    },
    get connected() {
      return [...links.values()].filter(({ socket }) => socket?.readyState === WebSocket.OPEN).length;
    },
    close() {
      off();
      for (const link of links.values()) drop(link);
    },
  };
}
