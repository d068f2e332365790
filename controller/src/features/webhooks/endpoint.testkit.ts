import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Stop } from "../../platform/feature.ts";

interface Received {
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** An endpoint on 127.0.0.2 with what it received, in the order in which it came; thanks for all of it unless told otherwise. */
export async function openEndpoint(
  answer: (request: IncomingMessage, response: ServerResponse) => void = (_, response) => void response.end("thanks"),
): Promise<{ url: string; received: Received[]; names: () => string[]; close: Stop }> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      received.push({ headers: request.headers as Record<string, string>, body: Buffer.concat(chunks).toString() });
      answer(request, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.2", resolve));
  return {
    url: `http://127.0.0.2:${(server.address() as AddressInfo).port}/hook`,
    received,
    names: () => received.map(({ body }) => (JSON.parse(body) as { data: { subject: { name: string } } }).data.subject.name),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
