import type { Socket } from "node:net";
import { connectDatabase } from "./socket.ts";

/** The sockets of one client, so that they can be ended together when the server no longer answers. */
export interface Connections {
  /** Connects, or fails at once while refused. */
  connect(options: Parameters<typeof connectDatabase>[0]): Socket;
  /** When anything was received last, milliseconds of performance.now(); -Infinity for never. */
  readonly heardAtMs: number;
  /** Ends all connections with this error, and new ones too until it is null. What they were asked fails with it. */
  refuse(why: Error | null): void;
}

export function createConnections(): Connections {
  const open = new Set<Socket>();
  let refusal: Error | null = null;
  let heardAtMs = Number.NEGATIVE_INFINITY;
  return {
    connect(options) {
      const socket = connectDatabase(options);
      open.add(socket);
      socket.on("data", () => (heardAtMs = performance.now()));
      socket.once("close", () => open.delete(socket));
      // Later: postgres.js has yet to listen to it.
      if (refusal !== null) setImmediate(() => refusal !== null && socket.destroy(refusal));
      return socket;
    },
    get heardAtMs() {
      return heardAtMs;
    },
    refuse(why) {
      refusal = why;
      if (why !== null) for (const socket of open) socket.destroy(why);
    },
  };
}
