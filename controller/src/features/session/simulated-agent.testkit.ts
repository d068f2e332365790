import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Batch, TelemetryService, type PushResponse } from "@devflow/proto/metrics/v1/metrics";
import { type ConnectRequestSchema, type ConnectResponse, SessionService } from "@devflow/proto/session/v1/session";
import { clientOf } from "@devflow/rpc";
import { Channel, credentials, type ServiceError } from "@grpc/grpc-js";
import { randomUUID } from "node:crypto";

export interface SimulatedAgentOptions {
  readonly port: number;
  readonly keyPem: string;
  readonly certificatePem: string;
  readonly caPem: string;
  /** Name in the gateway's certificate. */
  readonly gatewayName: string;
  readonly spoolId?: string;
  readonly bootId?: string;
  /** The agent's clock minus the real one. */
  readonly clockOffsetMs?: number;
  /** Answers pings unless false. */
  readonly pongs?: boolean;
}

type Say = NonNullable<MessageInitShape<typeof ConnectRequestSchema>["message"]>;

/** The wire of an agent without an agent: says what a test tells it to, collects what it is told. */
export function simulatedAgent(options: SimulatedAgentOptions) {
  const spoolId = options.spoolId ?? randomUUID();
  const bootId = options.bootId ?? randomUUID();
  const channel = new Channel(
    `127.0.0.1:${options.port}`,
    credentials.createSsl(Buffer.from(options.caPem), Buffer.from(options.keyPem), Buffer.from(options.certificatePem)),
    {
      "grpc.ssl_target_name_override": options.gatewayName,
      "grpc.enable_retries": 0,
      "grpc.use_local_subchannel_pool": 1,
      "grpc.keepalive_time_ms": 10_000,
    },
  );
  const sessionClient = new (clientOf(SessionService))("unused", credentials.createInsecure(), { channelOverride: channel });
  const telemetryClient = new (clientOf(TelemetryService))("unused", credentials.createInsecure(), { channelOverride: channel });
  const received: ConnectResponse["message"][] = [];
  const waiters: (() => void)[] = [];
  const notify = (): void => {
    for (const wake of waiters.splice(0)) wake();
  };
  let error: ServiceError | null = null;
  const now = (): number => Date.now() + (options.clockOffsetMs ?? 0);

  const session = sessionClient.connect();
  session.on("data", ({ message }: ConnectResponse) => {
    if (message.case === "ping" && options.pongs !== false)
      say({ case: "pong", value: { id: message.value.id, wallTimeMs: BigInt(now()) } });
    received.push(message);
    notify();
  });
  session.on("error", (e: ServiceError) => {
    error = e;
    notify();
  });
  session.on("end", notify);
  const say = (message: Say): void => void session.write({ message });

  const push = () => {
    const call = telemetryClient.push();
    const committed: { first: bigint; last: bigint }[] = [];
    const rejected: PushResponse["rejected"] = [];
    const outcomes = (): number => committed.reduce((n, r) => n + Number(r.last - r.first) + 1, 0) + rejected.length;
    let failure: ServiceError | null = null;
    call.on("data", (response: PushResponse) => {
      committed.push(...response.committed);
      rejected.push(...response.rejected);
      notify();
    });
    call.on("error", (e: ServiceError) => {
      failure = e;
      notify();
    });
    return {
      call,
      committed,
      rejected,
      outcomes,
      error: () => failure,
      send: (batches: Batch[], spool = spoolId) => call.write({ spoolId: spool, batches }),
    };
  };

  return {
    spoolId,
    bootId,
    received,
    say,
    push,
    session,
    live: () => telemetryClient.live().on("error", () => undefined),
    error: () => error,
    hello: (extra: Partial<Extract<Say, { case: "hello" }>["value"]> = {}) =>
      say({
        case: "hello",
        value: {
          capabilities: ["2026-11-metrics", "2026-11-live", "2026-11-inventory"],
          agentVersion: "0.1.0",
          bootId,
          spoolId,
          wallTimeMs: BigInt(now()),
          monotonicMs: 1000n,
          hostname: "web-1",
          ...extra,
        } as never,
      }),
    /** Resolves once there is a message of that kind, with the first of it; throws the stream's error. */
    async expect<C extends ConnectResponse["message"]["case"]>(kind: C): Promise<Extract<ConnectResponse["message"], { case: C }>> {
      for (;;) {
        const found = received.find((m) => m.case === kind);
        if (found !== undefined) return found as never;
        if (error !== null) throw error;
        await new Promise<void>((resolve) => waiters.push(resolve));
      }
    },
    /** Resolves with the stream's error. */
    async refused(): Promise<ServiceError> {
      while (error === null) await new Promise<void>((resolve) => waiters.push(resolve));
      return error;
    },
    close(): void {
      session.cancel();
      channel.close();
    },
  };
}

export type SimulatedAgent = ReturnType<typeof simulatedAgent>;
