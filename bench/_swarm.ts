import { randomUUID } from "node:crypto";
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import { createSecureContext, type SecureContext } from "node:tls";
import { create, type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import type { AuditCheckpoint } from "@devflow/proto/audit/v1/audit";
import { type PushResponse, PushResponseSchema } from "@devflow/proto/metrics/v1/metrics";
import { ConnectRequestSchema, ConnectResponseSchema } from "@devflow/proto/session/v1/session";

/** What one simulated agent proves itself with. */
export interface SwarmIdentity {
  readonly agentId: string;
  readonly keyPem: string;
  readonly certificatePem: string;
}

export interface SwarmTarget {
  readonly port: number;
  readonly caPem: string;
  readonly gatewayName: string;
}

/** A message in gRPC's framing. */
export function framed(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(5 + message.length);
  frame.writeUInt8(0, 0);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, 5);
  return frame;
}

/** Cuts a stream's bytes into gRPC messages. */
function unframer(onMessage: (bytes: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= 5) {
      const end = 5 + rest.readUInt32BE(1);
      if (rest.length < end) return;
      onMessage(rest.subarray(5, end));
      rest = rest.subarray(end);
    }
  };
}

/**
 * The wire of an agent with as little as possible around it (plain node:http2), so that one process can be thousands:
 * greets, answers pings, keeps audit checkpoints, pushes bytes that were made before, and tells of acknowledgements.
 */
export class SwarmAgent {
  readonly spoolId = randomUUID();
  readonly #bootId = randomUUID();
  readonly #identity: SwarmIdentity;
  /** Kept: reading key and certificates is each agent's own burden, on a machine of its own. */
  #context: SecureContext | null = null;
  readonly #onAck: (response: PushResponse) => void;
  #http: ClientHttp2Session | null = null;
  #push: ClientHttp2Stream | null = null;
  /** Audit checkpoints that came, as an agent keeps them: the oldest, one between, the newest. */
  #held: AuditCheckpoint[] = [];

  constructor(identity: SwarmIdentity, onAck: (response: PushResponse) => void) {
    this.#identity = identity;
    this.#onAck = onAck;
  }

  /** Resolves with Welcome; rejects when the connection fails before. */
  connect(target: SwarmTarget, onClosed: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const { keyPem, certificatePem } = this.#identity;
      const http = connect(`https://127.0.0.1:${target.port}`, {
        secureContext: (this.#context ??= contextFor(target.caPem, keyPem, certificatePem)),
        servername: target.gatewayName,
      });
      this.#http = http;
      http.on("error", reject);
      http.once("close", () => {
        reject(new Error("closed before Welcome"));
        onClosed();
      });
      const session = this.#open(http, "/devflow.session.v1.SessionService/Connect");
      const say = (message: Parameters<typeof create<typeof ConnectRequestSchema>>[1]): void =>
        void session.write(framed(toBinary(ConnectRequestSchema, create(ConnectRequestSchema, message))));
      session.on(
        "data",
        unframer((bytes) => {
          const { message } = decode(ConnectResponseSchema, bytes);
          if (message.case === "ping") say({ message: { case: "pong", value: { id: message.value.id, wallTimeMs: BigInt(Date.now()) } } });
          const offered = message.case === "auditCheckpoint" ? message.value : message.case === "welcome" && message.value.auditCheckpoint;
          if (offered) {
            say({ message: { case: "auditReport", value: { held: this.#held.slice(-1), refused: "" } } });
            this.#held = [...this.#held.slice(0, 2), offered];
          }
          if (message.case !== "welcome") return;
          const push = this.#open(http, "/devflow.metrics.v1.TelemetryService/Push");
          push.on(
            "data",
            unframer((answer) => this.#onAck(decode(PushResponseSchema, answer))),
          );
          this.#push = push;
          resolve();
        }),
      );
      say({
        message: {
          case: "hello",
          value: {
            capabilities: ["2026-11-metrics", "2026-11-live", "2026-11-inventory", "2026-11-audit-checkpoints"],
            auditCheckpoints: this.#held.toReversed(),
            agentVersion: "0.1.0",
            bootId: this.#bootId,
            spoolId: this.spoolId,
            wallTimeMs: BigInt(Date.now()),
            monotonicMs: 0n,
            hostname: "swarm",
          },
        },
      });
    });
  }

  /** @param frame a framed PushRequest with this agent's spool id */
  push(frame: Buffer): void {
    this.#push?.write(frame);
  }

  close(): void {
    this.#http?.destroy();
  }

  #open(http: ClientHttp2Session, path: string): ClientHttp2Stream {
    const stream = http.request({ ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers" });
    stream.on("error", () => undefined); // the session's "close" tells
    return stream;
  }
}

const decode = <D extends DescMessage>(desc: D, bytes: Uint8Array): MessageShape<D> => fromBinary(desc, bytes);
const contextFor = (ca: string, key: string, cert: string) => createSecureContext({ ca, key, cert });
