import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  TelemetryService,
  type Batch,
  type LiveRequest,
  type PushRequest,
  type PushResponseSchema,
} from "@devflow/proto/metrics/v1/metrics";
import {
  SessionService,
  type ConnectRequest,
  type ConnectResponseSchema,
  type Hello,
  type WelcomeSchema,
} from "@devflow/proto/session/v1/session";
import { serviceDefinition, type Handlers, type ServerStream } from "@devflow/rpc";
import { Server, ServerCredentials, type status as Status } from "@grpc/grpc-js";

type SessionCall = ServerStream<typeof SessionService, "connect">;
type PushCall = ServerStream<typeof TelemetryService, "push">;
type Answer = MessageInitShape<typeof PushResponseSchema>;

export interface TestPair {
  readonly keyPem: string;
  readonly certPem: string;
}

export interface TestGatewayOptions {
  readonly caPem: string;
  readonly pair: TestPair;
  /** Default 0: any free port. */
  readonly port?: number;
  /** An error refuses the agent. */
  readonly onHello?: (hello: Hello, call: SessionCall) => { code: Status; details: string } | void;
  readonly welcome?: () => MessageInitShape<typeof WelcomeSchema>;
  readonly onMessage?: (message: ConnectRequest["message"], call: SessionCall) => void;
  /** What a request is answered with; an error ends the stream, null answers nothing. Default: all committed. */
  readonly onPush?: (request: PushRequest, call: PushCall) => Answer | { code: Status; details: string } | null;
}

/** A real gRPC server over mutual TLS that plays a gateway for tests of the agent's side. */
export async function startTestGateway(options: TestGatewayOptions) {
  const hellos: Hello[] = [];
  const messages: ConnectRequest["message"][] = [];
  const batches: Batch[] = [];
  const frames: LiveRequest[] = [];
  let sessions: SessionCall[] = [];
  const { onHello, onMessage, onPush = commitAll, welcome } = options;

  const session: Handlers<typeof SessionService> = {
    connect(call) {
      call.on("error", () => undefined); // the agent went away, as tests make it do
      call.on("end", () => call.end());
      call.on("close", () => (sessions = sessions.filter((other) => other !== call)));
      call.on("data", ({ message }: ConnectRequest) => {
        messages.push(message);
        if (message.case !== "hello") return onMessage?.(message, call);
        hellos.push(message.value);
        const refusal = onHello?.(message.value, call);
        if (refusal) return void call.emit("error", refusal);
        sessions.push(call);
        const defaults = {
          capabilities: ["2026-11-metrics"],
          wallTimeMs: BigInt(Date.now()),
          metricIntervalSeconds: 10,
          maxBatchesInFlight: 32,
          serverName: "web-1",
        };
        call.write({ message: { case: "welcome", value: { ...defaults, ...welcome?.() } } });
      });
    },
  };
  const telemetry: Handlers<typeof TelemetryService> = {
    push(call) {
      call.on("error", () => undefined); // same
      call.on("end", () => call.end());
      call.on("data", (request: PushRequest) => {
        batches.push(...request.batches);
        const answer = onPush(request, call);
        if (answer === null) return;
        if ("code" in answer) call.emit("error", answer);
        else call.write(answer);
      });
    },
    live(call) {
      call.on("error", () => undefined); // same
      call.on("end", () => call.end());
      call.on("data", (frame: LiveRequest) => frames.push(frame));
    },
  };

  const server = new Server();
  server.addService(serviceDefinition(SessionService), session);
  server.addService(serviceDefinition(TelemetryService), telemetry);
  const credentials = ServerCredentials.createSsl(
    Buffer.from(options.caPem),
    [{ private_key: Buffer.from(options.pair.keyPem), cert_chain: Buffer.from(options.pair.certPem) }],
    true,
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync(`127.0.0.1:${options.port ?? 0}`, credentials, (error, bound) => (error ? reject(error) : resolve(bound))),
  );
  return {
    port,
    hellos,
    messages,
    batches,
    frames,
    say: (message: MessageInitShape<typeof ConnectResponseSchema>["message"]) => {
      for (const call of sessions) call.write({ message } as MessageInitShape<typeof ConnectResponseSchema>);
    },
    /** Cuts all connections, as a killed gateway does. */
    kill: () => server.forceShutdown(),
  };
}

export const commitAll = (request: PushRequest): Answer => ({
  committed: request.batches.map(({ sequence }) => ({ first: sequence, last: sequence })),
});
