import { request as requestPlain, type IncomingMessage } from "node:http";
import { request as requestTls } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { AppError } from "@devflow/errors";
import type { Context } from "../context.ts";
import { isPublicAddress, isWithin } from "./addresses.ts";
import type { Line } from "./line.ts";
import { type ResolveOptions, resolveHost } from "./resolve.ts";
import { readOutgoing } from "./settings.ts";
import { inWords } from "./words.ts";

export { type Line, openLine } from "./line.ts";
export { putOutgoing, readOutgoing } from "./settings.ts";

export interface OutgoingRequest {
  /** http or https, any port. */
  readonly url: string;
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** From the look-up of the name to the end of the answer. Default 10,000. */
  readonly timeoutMs?: number;
  /** What an answer holds beyond it is not read. Default 16,384. */
  readonly maxBodyBytes?: number;
  /** Whether http is good enough to public addresses too. Default no: then only to those that were allowed. */
  readonly plainToPublic?: boolean;
  /** Keeps the connection for the next request with it. Default: none is kept. */
  readonly line?: Line;
}

export interface OutgoingAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** As UTF-8; what is none is replaced. */
  readonly body: string;
}

/**
 * Requests that the controller makes for a user. Each one looks the name up anew, refuses addresses that are neither
 * public nor allowed by the installation's administrator (setting "outgoing"), and connects to the very address that it
 * checked, whatever the name says a moment later; a certificate still has to be the name's. No redirect is followed, no
 * proxy of the environment used; a connection is kept by a line only, and used again only if it leads to an address that
 * was checked for this request.
 */
export interface Outgoing {
  /** Throws AppError forbidden for an address that is refused, unavailable or timeout with the reason in words. */
  send(request: OutgoingRequest): Promise<OutgoingAnswer>;
  /** Whether send() would be let out right now; throws as it does. */
  check(url: string, options?: Pick<OutgoingRequest, "plainToPublic">): Promise<void>;
}

export function createOutgoing(ctx: Pick<Context, "db" | "masterKey">, options: ResolveOptions = {}): Outgoing {
  /** The addresses that may be connected to. */
  const admit = async (url: URL, plainToPublic: boolean): Promise<string[]> => {
    const addresses = await resolveHost(url.hostname, options);
    // What needs no permission is not asked for it.
    if ((url.protocol === "https:" || plainToPublic) && addresses.every(isPublicAddress)) return [...new Set(addresses)];
    const { allowed } = await readOutgoing({ ctx });
    const within = addresses.filter((address) => isWithin(address, allowed));
    const open = addresses.filter(isPublicAddress);
    if (within.length + open.length === 0) {
      throw new AppError(
        "forbidden",
        `${url.hostname} is not at a public address. An administrator of the installation can allow its range under Settings → Outgoing addresses`,
      );
    }
    if (url.protocol === "https:" || plainToPublic) return [...new Set([...within, ...open])];
    if (within.length === 0)
      throw new AppError("forbidden", `Use https: anybody on the way to ${url.hostname} could read and change what is sent by http`);
    return within;
  };

  return {
    async check(url, { plainToPublic = false } = {}) {
      await admit(parse(url), plainToPublic);
    },

    async send(request) {
      const { timeoutMs = 10_000 } = request;
      const url = parse(request.url);
      const ending = new AbortController();
      const { signal } = ending;
      const timer = setTimeout(() => ending.abort(new DOMException("the time is over", "TimeoutError")), timeoutMs);
      try {
        const addresses = await orAborted(admit(url, request.plainToPublic ?? false), signal);
        return await exchange(url, addresses, request, signal);
      } catch (error) {
        if (error instanceof AppError) throw error;
        if (signal.aborted) throw new AppError("timeout", `No answer within ${timeoutMs / 1_000} s`, { cause: error });
        throw new AppError("unavailable", inWords(error), { cause: error });
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

function parse(text: string): URL {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) throw new AppError("forbidden", "Expected an address that begins with https://");
  if (url.username !== "" || url.password !== "") throw new AppError("forbidden", "The address must not hold a user name or password");
  return url;
}

/** Rejects when the time is over, whatever the name servers do. */
function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
    work.then(resolve, reject);
  });
}

/** Answers every look-up with what was checked. */
const pinned =
  (addresses: readonly string[]): LookupFunction =>
  (_host, { all }, done) => {
    const found = addresses.map((address) => ({ address, family: isIP(address) }));
    if (all === true) done(null, found);
    else done(null, found[0]!.address, found[0]!.family);
  };

async function exchange(url: URL, addresses: readonly string[], request: OutgoingRequest, signal: AbortSignal): Promise<OutgoingAnswer> {
  try {
    return await sendOnce(url, addresses, request, signal);
  } catch (error) {
    // The other side had ended the kept connection meanwhile: nothing was heard, and a new one may do.
    if (!(error instanceof KeptConnectionEnded)) throw error;
    request.line?.close();
    return await sendOnce(url, addresses, request, signal).catch((again: unknown) => {
      throw again instanceof KeptConnectionEnded ? again.cause : again;
    });
  }
}

class KeptConnectionEnded extends Error {}

function sendOnce(url: URL, addresses: readonly string[], request: OutgoingRequest, signal: AbortSignal): Promise<OutgoingAnswer> {
  const { method, headers, body, maxBodyBytes = 16_384, line } = request;
  return new Promise((resolve, reject) => {
    const send = url.protocol === "https:" ? requestTls : requestPlain;
    const sent = send(url, {
      method,
      headers: { ...headers, ...(body !== undefined && { "content-length": String(Buffer.byteLength(body)) }) },
      lookup: pinned(addresses),
      // One of its own: no proxy of the environment, and no connection to what was checked some time ago.
      agent: line?.agent(url.protocol, addresses) ?? false,
      rejectUnauthorized: true,
      maxHeaderSize: 16_384,
      signal,
    });
    // Once there is a status, what is cut off of the body is no failure.
    let answered = false;
    sent.on("error", (error) => {
      if (answered) return;
      const ended = sent.reusedSocket && ["ECONNRESET", "EPIPE"].includes((error as NodeJS.ErrnoException).code ?? "");
      reject(ended ? new KeptConnectionEnded("", { cause: error }) : error);
    });
    sent.on("response", (response) => {
      answered = true;
      void readBody(response, maxBodyBytes).then((text) => {
        // What was not read to its end is no use to the next request.
        if (line === undefined || !response.complete) sent.destroy();
        resolve({ status: response.statusCode ?? 0, headers: headersOf(response), body: text });
      });
    });
    sent.end(body);
  });
}

/** What comes until the limit, the end, an error or the time is over; the status is known by then. */
async function readBody(response: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response) {
      chunks.push(chunk as Buffer);
      size += (chunk as Buffer).length;
      if (size >= maxBytes) break;
    }
  } catch {
    // Cut off: what came is what there is to tell.
  }
  return new TextDecoder().decode(Buffer.concat(chunks).subarray(0, maxBytes));
}

function headersOf(response: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(response.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : (value ?? "")]),
  );
}
