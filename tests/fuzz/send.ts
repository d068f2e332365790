import { Agent, request as httpRequest } from "node:http";
import type { FuzzRequest } from "./request.ts";

export interface FuzzAnswer {
  /** 0: none came within the time. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  readonly tookMs: number;
}

/** No request may take longer. */
export const patienceMs = 5_000;
/** How much of an endless answer is read. */
const streamMs = 60;

/** Sends requests as they are, without a client that would mend them; answers of all kinds are answers. */
export function createSender(origin: string): {
  send(request: FuzzRequest, extra: Record<string, string>): Promise<FuzzAnswer>;
  close(): void;
} {
  const { hostname, port } = new URL(origin);
  const agent = new Agent({ keepAlive: true, maxSockets: 32 });
  const send = ({ method, path, headers, body }: FuzzRequest, extra: Record<string, string>) =>
    new Promise<FuzzAnswer>((resolve) => {
      const began = performance.now();
      const bytes = body === null ? null : Buffer.from(body, "latin1");
      const length = bytes === null ? {} : { "content-length": String(bytes.length) };
      const done = (status: number, text: string, answered: FuzzAnswer["headers"] = {}) => {
        clearTimeout(timer);
        resolve({ status, text, headers: answered, tookMs: performance.now() - began });
      };
      const call = httpRequest({ agent, hostname, port, method, path, headers: { ...headers, ...extra, ...length } }, (response) => {
        const chunks: Buffer[] = [];
        const end = () => done(response.statusCode ?? 0, Buffer.concat(chunks).toString(), response.headers);
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", end);
        response.on("error", end);
        if (/event-stream/.test(response.headers["content-type"] ?? "")) setTimeout(() => (end(), response.destroy()), streamMs);
      });
      const timer = setTimeout(() => (done(0, "no answer in time"), call.destroy()), patienceMs);
      call.on("error", (error: Error) => done(0, `no answer: ${error.message}`));
      call.end(bytes ?? undefined);
    });
  return { send, close: () => agent.destroy() };
}
