import type { TLSSocket } from "node:tls";
import { AppError } from "@devflow/errors";
import type { AgentConnection, AgentIdentity } from "./types.ts";

export interface OpenConnection extends AgentConnection {
  /** End of the certificate that the connection was opened with, milliseconds since 1970-01-01 UTC. */
  readonly notAfterMs: number;
  /** Runs the close handlers; called once the socket is closed. */
  ended(): void;
}

const byCertificate = new WeakMap<object, OpenConnection>();

/**
 * Makes calls over this socket lead back to the connection. grpc-js hands out what the very socket under a call gives
 * as its peer certificate (getAuthContext), so that object is the key: no address can be mistaken for another, and
 * the certificate is not decoded again for each stream.
 */
export function tieToSocket(socket: TLSSocket, connection: OpenConnection): void {
  const certificate = { raw: Buffer.alloc(0) };
  byCertificate.set(certificate, connection);
  socket.getPeerCertificate = (() => certificate) as never;
}

/** The connection that a grpc-js server call came over. Throws AppError unauthenticated when there is none. */
export function connectionOfCall(call: object): OpenConnection {
  const certificate = (call as { getAuthContext?(): { sslPeerCertificate?: object } }).getAuthContext?.().sslPeerCertificate;
  const connection = certificate === undefined ? undefined : byCertificate.get(certificate);
  if (connection === undefined) throw new AppError("unauthenticated", "expected a call over a connection with an agent's certificate");
  return connection;
}

/** A connection over a TLS socket whose peer is known. */
export function createConnection(identity: AgentIdentity, socket: TLSSocket, notAfterMs: number): OpenConnection {
  const handlers: ((reason: string) => void)[] = [];
  let reason: string | null = null;
  let closed = false;
  return {
    identity,
    address: socket.remoteAddress ?? "",
    notAfterMs,
    session: null,
    get closed() {
      return closed || socket.destroyed;
    },
    close(why) {
      reason ??= why;
      socket.destroy();
    },
    onClose(handler) {
      if (closed) handler(reason ?? "the peer closed it");
      else handlers.push(handler);
    },
    ended() {
      if (closed) return;
      closed = true;
      for (const handler of handlers.splice(0)) handler(reason ?? "the peer closed it or fell silent");
    },
  };
}
