import { generateKeyPairSync } from "node:crypto";
import { mkdirSync } from "node:fs";
import { type Handlers, serviceDefinition, type ServerStream } from "@devflow/rpc";
import { type PushRequest, TelemetryService } from "@devflow/proto/metrics/v1/metrics";
import { type ConnectRequest, SessionService } from "@devflow/proto/session/v1/session";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { writeAgentFile } from "../agent/src/state/agent-file.ts";
import { writeFirstCredentials } from "../agent/src/state/credentials.ts";
import { createTestCa } from "../controller/src/platform/rpc/pki.testkit.ts";

const AGENT_ID = "6f1c2f1e-8a52-4a3b-9d0c-0d5f7a1b2c3d";
const GATEWAY_NAME = "bench.gateway.devflow";
const PING_MS = 60_000;

/** What an agent needs of a controller: mutual TLS, Welcome, a ping a minute, and an answer to each batch. */
export interface Endpoint {
  /** Batches answered so far. */
  readonly batches: () => number;
  /** Live frames that came. */
  readonly frames: () => number;
  /** Turns live frames of the connected agent on or off. */
  setLive(on: boolean): void;
  close(): void;
}

/** Starts an endpoint on a free port of loopback and writes the state folder of an agent that is enrolled there. */
export async function startEndpoint(stateDir: string): Promise<Endpoint> {
  const ca = await createTestCa();
  const gateway = await ca.issue(GATEWAY_NAME, "server");
  const agent = await ca.issue(AGENT_ID, "client");
  const signing = generateKeyPairSync("ed25519").publicKey;
  const server = new Server();
  let batches = 0;
  let frames = 0;
  let connected: ServerStream<typeof SessionService, "connect"> | undefined;

  const session: Handlers<typeof SessionService> = {
    connect(call) {
      connected = call;
      let id = 0n;
      const ping = setInterval(
        () => call.write({ message: { case: "ping", value: { id: ++id, wallTimeMs: BigInt(Date.now()) } } }),
        PING_MS,
      );
      call.on("data", ({ message }: ConnectRequest) => {
        if (message.case !== "hello") return;
        const welcome = {
          capabilities: message.value.capabilities,
          wallTimeMs: BigInt(Date.now()),
          metricIntervalSeconds: 10,
          maxBatchesInFlight: 16,
          serverName: "bench",
          taskSigningKey: signing.export({ type: "spki", format: "der" }),
        };
        call.write({ message: { case: "welcome", value: welcome } });
      });
      const over = (): void => clearInterval(ping);
      call.on("error", over);
      call.on("end", () => (over(), call.end()));
      call.on("cancelled", over);
    },
  };
  const telemetry: Handlers<typeof TelemetryService> = {
    push(call) {
      call.on("data", (request: PushRequest) => {
        batches += request.batches.length;
        call.write({ committed: request.batches.map((batch) => ({ first: batch.sequence, last: batch.sequence })) });
      });
      call.on("error", () => undefined); // an agent that leaves is no failure here
      call.on("end", () => call.end());
    },
    live(call) {
      call.on("data", () => frames++);
      call.on("error", () => undefined); // as above
      call.on("end", () => call.end());
    },
  };
  server.addService(serviceDefinition(SessionService), session);
  server.addService(serviceDefinition(TelemetryService), telemetry);
  const pair = { cert_chain: Buffer.from(gateway.certPem), private_key: Buffer.from(gateway.keyPem) };
  const credentials = ServerCredentials.createSsl(Buffer.from(ca.caPem), [pair], true);
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", credentials, (error, bound) => (error ? reject(error) : resolve(bound))),
  );

  mkdirSync(stateDir, { recursive: true });
  await writeFirstCredentials(stateDir, {
    keyPem: agent.keyPem,
    certificatePem: agent.certPem,
    caPem: ca.caPem,
    taskSigningPem: signing.export({ type: "spki", format: "pem" }) as string,
  });
  await writeAgentFile(stateDir, {
    controllerHost: "127.0.0.1",
    gatewayPort: port,
    enrolPort: port,
    gatewayName: GATEWAY_NAME,
    agentId: AGENT_ID,
  });
  return {
    batches: () => batches,
    frames: () => frames,
    setLive: (on) => void connected?.write({ message: { case: "liveMode", value: { on } } }),
    close: () => server.forceShutdown(),
  };
}
