import { WebSocket } from "ws";
import type { Caller } from "./route-cast.ts";
import type { TestWeb } from "./web.ts";

const statusOf: Readonly<Record<string, string>> = { subscribed: "200", unauthenticated: "401", forbidden: "403", not_found: "404" };

/** Subscribes to a live topic and leaves; what was answered, as the status that a route would have. */
export function subscribe(web: TestWeb, { headers }: Pick<Caller, "headers">, topic: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`${web.origin.replace("http", "ws")}/api/v1/live`, { headers });
    socket.on("unexpected-response", (_request, response) => resolve(String(response.statusCode)));
    socket.on("open", () => socket.send(JSON.stringify({ type: "subscribe", topic })));
    socket.on("message", (data: Buffer) => {
      const { type, code } = JSON.parse(data.toString()) as { type: string; code?: string };
      resolve(statusOf[code ?? type] ?? code ?? type);
      socket.terminate();
    });
    socket.on("error", reject);
  });
}
