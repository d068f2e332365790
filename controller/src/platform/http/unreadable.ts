import type { Duplex } from "node:stream";
import { AppError } from "@devflow/errors";
import { RequestError } from "@hono/node-server";
import { toProblem } from "./problem.ts";
import { apiPolicy } from "./security-headers.ts";

/**
 * The answer to what became no request: Node's parser took it, but its Host or its target makes no URL. Anything else
 * that gets here is the controller's own fault.
 */
export function answerUnreadable(error: unknown): Response {
  const reason =
    error instanceof RequestError
      ? new AppError("malformed", "This request names no address of this controller; check its Host header and its path", { cause: error })
      : error;
  const { status, body, headers } = written(reason);
  return new Response(body, { status, headers });
}

/** Tells what Node's parser refused, as far as the socket still takes it, and closes. */
export function refuseSocket(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || socket.destroyed) return;
  const { status, title, body, headers } = written(reasonOf(error));
  const lines = Object.entries({ ...headers, "content-length": String(Buffer.byteLength(body)), connection: "close" });
  socket.end(`HTTP/1.1 ${status} ${title}\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n${body}`);
}

/** Statuses that errors of the API do not have. */
const ofParser = {
  HPE_HEADER_OVERFLOW: [431, "too_large", "Request Header Fields Too Large", "The request's headers are larger than 16 KiB"],
  ERR_HTTP_REQUEST_TIMEOUT: [408, "timeout", "Request Timeout", "The request came too slowly"],
} as const;

function reasonOf({ code }: NodeJS.ErrnoException): AppError | (typeof ofParser)[keyof typeof ofParser] {
  return code === "HPE_HEADER_OVERFLOW" || code === "ERR_HTTP_REQUEST_TIMEOUT"
    ? ofParser[code]
    : new AppError("malformed", "This is not an HTTP request");
}

function written(reason: unknown) {
  const requestId = crypto.randomUUID();
  const own = { "x-request-id": requestId, "x-content-type-options": "nosniff", "content-security-policy": apiPolicy };
  if (Array.isArray(reason)) {
    const [status, code, title, detail] = reason as unknown as (typeof ofParser)[keyof typeof ofParser];
    const body = JSON.stringify({ type: "about:blank", title, status, code, detail, requestId });
    return { status, title, body, headers: { "content-type": "application/problem+json", "cache-control": "no-store", ...own } };
  }
  const { problem, headers } = toProblem(reason, requestId);
  return { status: problem.status, title: problem.title, body: JSON.stringify(problem), headers: { ...headers, ...own } };
}
