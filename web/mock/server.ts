import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import type { LiveClientMessage, LiveServerMessage } from "@devflow/api";
import { WebSocketServer, type WebSocket } from "ws";
import { current, frameRows } from "./machines.ts";
import { World, type MockOptions } from "./routes.ts";

export type Fault = "none" | "error" | "slow" | "hang" | "offline";
export interface Mock {
  port: number;
  world: World;
  setFault(fault: Fault): void;
  close(): Promise<void>;
}

const types: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".json": "application/json",
};
const SLOW_MS = 1500;
const CHANGED_A_SECOND = 1000;

/**
 * A controller for the browser's sake: the HTTP API and the live feed with generated data, and the built page if there is one.
 * Faults: every answer is an error, comes late, never comes, or the connection drops.
 * @param port 0 for a free one
 * @param build folder of the built page, or null
 */
export async function startMock({ port, build, ...options }: { port: number; build: string | null } & Partial<MockOptions>): Promise<Mock> {
  const world = new World({ servers: 50, setupNeeded: false, signedIn: true, role: "owner", ...options });
  let fault: Fault = "none";
  const sockets = new WebSocketServer({ noServer: true });
  const topics = new Map<WebSocket, Set<string>>();

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://mock");
    if (!url.pathname.startsWith("/api/")) return file(url.pathname, response);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    if (fault === "offline") return void request.socket.destroy();
    const open = /\/api\/v1\/(me|setup|session)/.test(url.pathname);
    if (fault === "hang" && !open) return;
    if (fault === "slow") await new Promise((done) => setTimeout(done, SLOW_MS));
    const { status, body, headers } =
      fault === "error" && !open
        ? {
            status: 503,
            body: {
              type: "about:blank",
              title: "Unavailable",
              status: 503,
              code: "unavailable",
              detail: "The database does not answer. Agents keep their values and send them later.",
              requestId: "01JD7R9XV4M2",
            },
            headers: {},
          }
        : world.answer(request.method ?? "GET", url, text === "" ? undefined : JSON.parse(text));
    response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store", ...headers });
    response.end(body === undefined ? undefined : JSON.stringify(body));
  }

  function file(pathname: string, response: ServerResponse): void {
    if (build === null) return void response.writeHead(404).end();
    const wanted = join(build, normalize(decodeURIComponent(pathname)));
    const path = wanted.startsWith(build) && existsSync(wanted) && statSync(wanted).isFile() ? wanted : join(build, "index.html");
    response.writeHead(200, {
      "content-type": types[extname(path)] ?? "application/octet-stream",
      "cache-control": pathname.includes("/immutable/") ? "max-age=31536000, immutable" : "no-cache",
    });
    createReadStream(path).pipe(response);
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      console.error(error);
      response.destroy();
    });
  });
  server.on("upgrade", (request, socket, head) => {
    if (fault === "offline" || fault === "hang" || !request.url?.startsWith("/api/v1/live") || !world.options.signedIn)
      return void socket.destroy();
    sockets.handleUpgrade(request, socket, head, (ws) => {
      topics.set(ws, new Set());
      ws.on("close", () => topics.delete(ws));
      ws.on("message", (data) => {
        const message = JSON.parse((data as Buffer).toString()) as LiveClientMessage;
        if (message.type === "ping") return void (fault === "hang" || send(ws, { type: "pong" }));
        if (message.type === "subscribe") topics.get(ws)?.add(message.topic);
        else topics.get(ws)?.delete(message.topic);
        send(ws, { type: message.type === "subscribe" ? "subscribed" : "subscribed", topic: message.topic });
      });
    });
  });
  const send = (ws: WebSocket, message: LiveServerMessage) => ws.send(JSON.stringify(message));

  let at = 0;
  const timer = setInterval(() => {
    const nowMs = Date.now();
    const some = Array.from(
      { length: Math.min(world.machines.length, CHANGED_A_SECOND) },
      (_, i) => world.machines[(at + i) % world.machines.length],
    ).filter((m) => m !== undefined);
    at += some.length;
    const changed = some.map((m) => current(m, nowMs));
    for (const [ws, wanted] of topics) {
      if (wanted.has("servers")) send(ws, { type: "servers", changed, removed: [] });
      for (const topic of wanted) {
        const m = topic.startsWith("server:") ? world.find(topic.slice(7)) : undefined;
        if (m?.server.state === "online")
          send(ws, { type: "frame", serverId: m.server.id, timeMs: nowMs, rows: frameRows(m, Math.floor(nowMs / 1000)) });
      }
    }
  }, 1000);

  await new Promise<void>((done) => server.listen(port, "127.0.0.1", done));
  return {
    port: (server.address() as AddressInfo).port,
    world,
    setFault(next) {
      fault = next;
      if (next === "offline") for (const ws of topics.keys()) ws.terminate();
    },
    async close() {
      clearInterval(timer);
      for (const ws of topics.keys()) ws.terminate();
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}
