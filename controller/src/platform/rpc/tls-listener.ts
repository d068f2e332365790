import { constants } from "node:crypto";
import { createServer as createTcpServer, type Socket } from "node:net";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import type { AddressLimitOptions } from "./address-limits.ts";
import { createAddressLimits } from "./address-limits.ts";
import type { GatewayCredentials } from "./types.ts";

export interface TlsListenerOptions {
  readonly credentials: GatewayCredentials;
  readonly limits: AddressLimitOptions;
  /** Time for the whole TLS handshake; cuts off slow and silent peers. */
  readonly handshakeTimeoutMs: number;
  /** Gets every connection whose client certificate chains up to the CA. */
  onConnection(socket: TLSSocket, proven: () => void): void;
  onRefused(why: "limit" | "handshake" | "protocol", address: string, detail: string): void;
}

/**
 * Handshakes that begin in one turn of the event loop. When a whole fleet dials at once, those under way are finished
 * before others begin, so that none runs into the timeout however busy the machine is, and who is in is served meanwhile.
 */
const STARTS_A_TURN = 16;

/** TLS 1.3 with a client certificate demanded, HTTP/2 only, no resumption (a resumed session would skip the certificate's dates). */
export function createTlsListener(options: TlsListenerOptions) {
  const limits = createAddressLimits(options.limits);
  const sockets = new Set<Socket>();
  const provenBy = new Map<string, () => void>();

  const tls = createTlsServer({
    ...secureOptions(options.credentials),
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: "TLSv1.3",
    ALPNProtocols: ["h2"],
    handshakeTimeout: options.handshakeTimeoutMs,
  });
  // Tickets that OpenSSL still sends then name sessions that nobody keeps.
  tls.on("tlsClientError", (error, socket) => {
    options.onRefused("handshake", socket.remoteAddress ?? "", error.message);
    socket.destroy();
  });
  tls.on("secureConnection", (socket) => {
    socket.on("error", () => socket.destroy());
    if (socket.alpnProtocol !== "h2") {
      options.onRefused("protocol", socket.remoteAddress ?? "", `expected ALPN h2, got ${String(socket.alpnProtocol)}`);
      socket.destroy();
      return;
    }
    const proven = provenBy.get(route(socket));
    if (proven === undefined) return void socket.destroy(); // closed in the meantime
    options.onConnection(socket, proven);
  });

  /** Sockets whose handshake has not begun, oldest first. */
  const waiting: Socket[] = [];
  let pumping = false;
  const pump = (): void => {
    for (const socket of waiting.splice(0, STARTS_A_TURN)) if (!socket.destroyed) tls.emit("connection", socket);
    pumping = waiting.length > 0;
    if (pumping) setImmediate(pump);
  };

  const tcp = createTcpServer({ noDelay: true, pauseOnConnect: true }, (socket) => {
    const address = socket.remoteAddress ?? "";
    const ticket = limits.admit(address);
    if (ticket === null) {
      options.onRefused("limit", address, "too many connections");
      socket.destroy();
      return;
    }
    sockets.add(socket);
    const key = route(socket);
    provenBy.set(key, ticket.proven);
    socket.on("error", () => socket.destroy());
    socket.once("close", () => {
      sockets.delete(socket);
      if (provenBy.get(key) === ticket.proven) provenBy.delete(key);
      ticket.released();
    });
    waiting.push(socket);
    if (pumping) return;
    pumping = true;
    setImmediate(pump);
  });

  return {
    get connections() {
      return limits.total;
    },
    async listen(host: string, port: number): Promise<number> {
      await new Promise<void>((resolve, reject) => {
        tcp.once("error", reject);
        // 4096: with the default of 511 a storm of 10,000 agents takes twice as long to come back.
        tcp.listen({ host, port, backlog: 4096 }, () => {
          tcp.off("error", reject);
          resolve();
        });
      });
      const bound = tcp.address();
      return bound !== null && typeof bound === "object" ? bound.port : port;
    },
    /** Uses new credentials for connections from now on. */
    setCredentials(credentials: GatewayCredentials): void {
      tls.setSecureContext({ ...secureOptions(credentials), minVersion: "TLSv1.3" });
    },
    stopListening(): void {
      tcp.close();
    },
    destroy(): void {
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Tells live connections apart; ties the TLS socket to the TCP socket below it. */
const route = (socket: Socket): string => `${socket.remoteAddress}|${socket.remotePort}|${socket.localAddress}|${socket.localPort}`;

const secureOptions = (credentials: GatewayCredentials) => ({
  key: credentials.privateKeyPem,
  cert: credentials.certificateChainPem,
  ca: [...credentials.caPem],
  secureOptions: constants.SSL_OP_NO_TICKET,
});
