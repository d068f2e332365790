import { Agent, request } from "node:https";
import type { TLSSocket } from "node:tls";
import { AppError } from "@devflow/errors";
import { enrolmentName } from "./wire.ts";

const timeoutMs = 30_000;
const maxAnswerBytes = 256 * 1024;

/** Whom to believe at the other end. */
export type Trust =
  /** A CA certificate, PEM; its listener is known by the fixed enrolment name, whatever the address. */
  | { readonly ca: string }
  /** The system's roots and the host's own name. */
  | "system"
  /** Nobody: only to fetch what is checked by its fingerprint afterwards. */
  | "nobody";

export interface Ask {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  /** Sent as application/x-protobuf by POST; left out: GET. */
  readonly body?: Uint8Array;
  readonly trust: Trust;
  readonly signal?: AbortSignal | undefined;
}

export interface Answer {
  readonly status: number;
  readonly body: Buffer;
  /** Clock of the listener, milliseconds since 1970-01-01 UTC, to the second; null when it sent none. */
  readonly dateMs: number | null;
}

/**
 * One request to the enrolment listener, through HTTPS_PROXY unless NO_PROXY names the host.
 * Throws AppError unavailable (not reached; worth another try) or forbidden (somebody else answers).
 */
export function ask(options: Ask): Promise<Answer> {
  const { host, port, trust } = options;
  const where = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  const agent = new Agent({
    proxyEnv: {
      HTTPS_PROXY: process.env["HTTPS_PROXY"] ?? process.env["https_proxy"],
      NO_PROXY: process.env["NO_PROXY"] ?? process.env["no_proxy"],
    },
  });
  return new Promise<Answer>((resolve, reject) => {
    const req = request(
      {
        host,
        port,
        path: options.path,
        method: options.body === undefined ? "GET" : "POST",
        agent,
        headers: options.body === undefined ? {} : { "content-type": "application/x-protobuf", "content-length": options.body.byteLength },
        minVersion: "TLSv1.2",
        timeout: timeoutMs,
        signal: AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(options.signal ? [options.signal] : [])]),
        ...(trust === "system" ? {} : trust === "nobody" ? { rejectUnauthorized: false } : { ca: trust.ca, servername: enrolmentName }),
      },
      (res) => {
        // A proxy of the environment must not talk Node into less than was asked for.
        if (trust !== "nobody" && !(res.socket as TLSSocket).authorized) {
          res.destroy();
          return reject(new AppError("forbidden", `${where} did not prove who it is; nothing was sent to it.`));
        }
        const chunks: Buffer[] = [];
        let size = 0;
        res.on("data", (chunk: Buffer) => {
          size += chunk.length;
          if (size > maxAnswerBytes) res.destroy(new Error(`the answer is longer than ${maxAnswerBytes} bytes`));
          else chunks.push(chunk);
        });
        res.on("error", (cause) => reject(unreachable(where, cause)));
        res.on("end", () => {
          const dateMs = Date.parse(res.headers.date ?? "");
          resolve({ status: res.statusCode ?? 0, body: Buffer.concat(chunks), dateMs: Number.isNaN(dateMs) ? null : dateMs });
        });
      },
    );
    req.on("timeout", () => req.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)));
    req.on("error", (cause) => reject(unreachable(where, cause)));
    req.end(options.body);
  }).finally(() => agent.destroy());
}

/** TLS errors that mean "somebody else", against those that mean "not now". */
function unreachable(where: string, cause: Error): AppError {
  const code = (cause as NodeJS.ErrnoException).code ?? "";
  if (code === "CERT_NOT_YET_VALID" || code === "CERT_HAS_EXPIRED") {
    return new AppError(
      "forbidden",
      `The certificate at ${where} is not valid at this machine's time, ${new Date().toISOString()}. Set the clock and try again.`,
      { cause },
    );
  }
  if (/CERT|ISSUER|SIGNATURE|ALTNAME|CHAIN/.test(code)) {
    return new AppError(
      "forbidden",
      `Whoever answers at ${where} is not your controller (${code}). Something between intercepts TLS, or the fingerprint is another controller's.`,
      { cause },
    );
  }
  return new AppError(
    "unavailable",
    `The controller cannot be reached at ${where}: ${cause.message || code}. Open that port, or set HTTPS_PROXY.`,
    { cause },
  );
}
