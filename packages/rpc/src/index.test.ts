import { SessionService } from "@devflow/proto/session/v1/session";
import { credentials, Server, ServerCredentials } from "@grpc/grpc-js";
import { expect, it } from "vitest";
import { clientOf, type Handlers, serviceDefinition } from "./index.ts";

it("carries protobuf-es messages through a bidirectional stream", async () => {
  const server = new Server();
  const handlers: Handlers<typeof SessionService> = {
    connect(call) {
      call.on("data", (request) => {
        if (request.message.case === "hello")
          call.write({ message: { case: "welcome", value: { serverName: request.message.value.hostname } } });
      });
      call.on("end", () => call.end());
    },
  };
  server.addService(serviceDefinition(SessionService), handlers);
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => (error ? reject(error) : resolve(bound))),
  );
  const client = new (clientOf(SessionService))(`127.0.0.1:${port}`, credentials.createInsecure());
  const stream = client.connect();
  const name = new Promise((resolve) =>
    stream.once("data", (r) => resolve(r.message.case === "welcome" ? r.message.value.serverName : undefined)),
  );
  stream.write({ message: { case: "hello", value: { hostname: "näme" } } });
  expect(await name).toBe("näme");
  stream.end();
  await new Promise((resolve) => stream.once("status", resolve));
  client.close();
  server.forceShutdown();
});
