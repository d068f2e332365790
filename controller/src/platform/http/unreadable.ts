import { type ServerResponse, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { AppError } from "@devflow/errors";
import { RequestError } from "@hono/node-server";
import { toProblem } from "./problem.ts";
import type { HeadFault } from "./request-head.ts";
import { apiPolicy, securityHeaders } from "./security-headers.ts";

/** For a client that does not close although it got its refusal. */
const lingerMs = 1_000;

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

/**
 * Tells what Node's parser refused, as far as the socket still takes it, and closes.
 * @param current the answer that is under way there; what it has begun to say stands
 */
export function refuseSocket(error: NodeJS.ErrnoException, socket: Duplex, current: ServerResponse | undefined): void {
  // Something follows a request that was to be the last one: its answer goes out, and with it the connection ends.
  if (error.code === "HPE_CLOSED_CONNECTION" && current?.writableFinished === false) return;
  // Of the request before this one, whose answer is complete, nothing stands in the way.
  if (current?.headersSent === true && !current.writableFinished) closeSoon(socket);
  else refuse(written(reasonOf(error)), socket);
}

/** Tells what is wrong with a head, and closes. What follows it is not read. */
export function refuseHead(fault: HeadFault, to: ServerResponse | Duplex): void {
  const answer = written(
    fault.status === 400
      ? new AppError("malformed", fault.detail)
      : ([fault.status, "malformed", STATUS_CODES[fault.status] ?? "", fault.detail] as const),
  );
  if (!("writeHead" in to)) return refuse(answer, to);
  to.writeHead(answer.status, { ...answer.headers, "content-length": Buffer.byteLength(answer.body), connection: "close" });
  to.end(answer.body);
}

/** Refuses what wanted to become something other than a request, and closes. */
export function refuseUpgrade(error: unknown, requestId: string, socket: Duplex): void {
  refuse(written(error, requestId), socket);
}

/** Writes an answer and ends the connection, whether the other end closes too or not: it would stay for ever. */
function refuse({ status, title, body, headers }: ReturnType<typeof written>, socket: Duplex): void {
  if (socket.destroyed) return;
  if (socket.writable) {
    const lines = Object.entries({ ...headers, "content-length": String(Buffer.byteLength(body)), connection: "close" });
    socket.end(`HTTP/1.1 ${status} ${title}\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n${body}`);
  }
  closeSoon(socket);
}

/** Not at once: a reset would take the answer away from a client that is still sending. */
function closeSoon(socket: Duplex): void {
  setTimeout(() => socket.destroy(), lingerMs).unref();
}

/** Statuses that errors of the API do not have. */
const ofParser = {
  HPE_HEADER_OVERFLOW: [431, "too_large", "Request Header Fields Too Large", "More than 16 KiB or 100 headers"],
  ERR_HTTP_REQUEST_TIMEOUT: [408, "timeout", "Request Timeout", "The request came too slowly"],
} as const;

type Special = readonly [status: number, code: string, title: string, detail: string];

function reasonOf({ code }: NodeJS.ErrnoException): AppError | Special {
  return code === "HPE_HEADER_OVERFLOW" || code === "ERR_HTTP_REQUEST_TIMEOUT"
    ? ofParser[code]
    : new AppError("malformed", "This is not an HTTP request");
}

function written(reason: unknown, requestId: string = crypto.randomUUID()) {
  const own = { ...Object.fromEntries(securityHeaders), "x-request-id": requestId, "content-security-policy": apiPolicy };
  if (Array.isArray(reason)) {
    const [status, code, title, detail] = reason as unknown as Special;
    const body = JSON.stringify({ type: "about:blank", title, status, code, detail, requestId });
    return { status, title, body, headers: { "content-type": "application/problem+json", "cache-control": "no-store", ...own } };
  }
  const { problem, headers } = toProblem(reason, requestId);
  return { status: problem.status, title: problem.title, body: JSON.stringify(problem), headers: { ...headers, ...own } };
}
