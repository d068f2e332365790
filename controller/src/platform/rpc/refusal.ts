import { createServer, type ServerHttp2Session } from "node:http2";
import type { TLSSocket } from "node:tls";
import type { IdentityRefusal } from "./types.ts";

const PERMISSION_DENIED = "7";
const UNAVAILABLE = "14";
const LINGER_MS = 3000;

/**
 * Answers every stream of a refused connection with the reason, so that the agent can tell its owner, and ends the
 * connection after 3 s. No service is registered here: nothing that the peer sends is read.
 */
export function createRefusals() {
  const reasons = new WeakMap<object, IdentityRefusal>();
  const server = createServer({ settings: { maxConcurrentStreams: 4 } });
  const open = new Set<TLSSocket>();
  server.on("sessionError", () => undefined); // the peer is on its way out anyway
  server.on("session", (session: ServerHttp2Session) => {
    session.on("error", () => undefined); // same
    session.on("stream", (stream) => {
      stream.on("error", () => undefined); // same
      const refusal = reasons.get((session.socket as TLSSocket).getPeerCertificate());
      stream.respond(
        {
          ":status": 200,
          "content-type": "application/grpc",
          "grpc-status": refusal?.reason === "unavailable" ? UNAVAILABLE : PERMISSION_DENIED,
          "grpc-message": encodeURI(refusal === undefined ? "refused" : `${refusal.reason}: ${refusal.message}`),
        },
        { endStream: true },
      );
    });
  });
  return {
    refuse(socket: TLSSocket, refusal: IdentityRefusal): void {
      const key = { raw: null };
      reasons.set(key, refusal);
      socket.getPeerCertificate = (() => key) as never;
      open.add(socket);
      const timer = setTimeout(() => socket.destroy(), LINGER_MS);
      socket.once("close", () => {
        clearTimeout(timer);
        open.delete(socket);
      });
      server.emit("connection", socket);
    },
    close(): void {
      for (const socket of open) socket.destroy();
    },
  };
}
