import { DevFlowError, errorOfAnswer } from "./error.ts";

export interface Connection {
  /** Origin of the controller, for example https://devflow.example.com. */
  readonly url: string;
  /** API token; null in a browser on the controller's own pages, where the session cookie speaks. */
  readonly token?: string | null;
  /** For each attempt. Default 30,000. */
  readonly timeoutMs?: number;
  /** Further attempts after 429 and 503. Default 3; 0 for none. */
  readonly retries?: number;
  /** A longer Retry-After is an error at once. Default 30,000. */
  readonly maxWaitMs?: number;
  /** Shown in the controller's log and sessions; browsers send their own. */
  readonly userAgent?: string;
  /** Default the platform's. */
  readonly fetch?: typeof fetch;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** A POST has a random one unless this says another, or false for none; with one it may be tried again. */
  readonly idempotencyKey?: string | false;
  /** Default application/json. */
  readonly accept?: string;
}

export interface Call extends CallOptions {
  readonly method: string;
  /** The route's POST keeps no Idempotency-Key: two of them happen twice. */
  readonly keyless?: boolean;
  /** The answer's body is read for long: the time-out ends with its head. */
  readonly streams?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
  /** With query, without origin. */
  readonly target: string;
  readonly body?: unknown;
}

/** A random key; crypto.randomUUID exists on https and localhost only. */
const randomKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** The same once or twice; a DELETE that is repeated says 404 of what it has deleted itself. */
const repeatableMethods = new Set(["GET", "HEAD", "PUT"]);

/**
 * Sends one call, again after 429 and 503 when nothing can happen twice: for GET and PUT, and for a POST with an
 * Idempotency-Key. Gives the answer once it is 2xx; throws DevFlowError, or the caller's own abort reason.
 */
export async function send(connection: Connection, call: Call): Promise<Response> {
  const headers: Record<string, string> = { ...call.headers, accept: call.accept ?? "application/json" };
  if (connection.token != null) headers["authorization"] = `Bearer ${connection.token}`;
  if (connection.userAgent !== undefined) headers["user-agent"] = connection.userAgent;
  if (call.body !== undefined) headers["content-type"] = "application/json";
  const wanted = call.idempotencyKey ?? (call.keyless === true ? false : randomKey());
  const key = call.method === "POST" && wanted !== false ? wanted : null;
  if (key !== null) headers["idempotency-key"] = key;
  const init = {
    method: call.method,
    headers,
    credentials: connection.token == null ? ("same-origin" as const) : ("omit" as const),
    // A redirect would carry the token to wherever it leads.
    redirect: connection.token == null ? ("follow" as const) : ("manual" as const),
    ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
  };
  const repeatable = repeatableMethods.has(call.method) || key !== null;
  for (let attempt = 0; ; attempt++) {
    const error = await sendOnce(connection, call, init);
    if (!(error instanceof DevFlowError)) return error;
    const waitMs = error.retryAfterSeconds === null ? backOffMs(attempt) : error.retryAfterSeconds * 1000;
    const passing = error.status === 429 || error.status === 503;
    if (!passing || !repeatable || attempt >= (connection.retries ?? 3) || waitMs > (connection.maxWaitMs ?? 30_000)) throw error;
    await pause(waitMs, call.signal);
  }
}

/** 0.5 s doubling to 10 s, less a random part of up to a half. */
export const backOffMs = (attempt: number): number => Math.min(10_000, 500 * 2 ** attempt) * (0.5 + Math.random() / 2);

/** The answer when it is 2xx, otherwise its error. Throws when nobody answered. */
async function sendOnce(connection: Connection, call: Call, init: RequestInit): Promise<Response | DevFlowError> {
  const timeoutMs = connection.timeoutMs ?? 30_000;
  const head = new AbortController();
  const timer = call.streams === true ? setTimeout(() => head.abort(), timeoutMs) : undefined;
  const timeout = call.streams === true ? head.signal : AbortSignal.timeout(timeoutMs);
  const signal = call.signal === undefined ? timeout : AbortSignal.any([call.signal, timeout]);
  try {
    const response = await (connection.fetch ?? fetch)(new URL(call.target, connection.url), { ...init, signal });
    if (response.ok) return response;
    if (response.type === "opaqueredirect" || (response.status >= 300 && response.status < 400)) {
      return new DevFlowError(
        "not_devflow",
        `${connection.url} leads to ${response.headers.get("location") ?? "another address"}; use that address itself`,
        { status: response.status },
      );
    }
    return await errorOfAnswer(response, connection.url);
  } catch (cause) {
    if (call.signal?.aborted === true) throw call.signal.reason;
    if (timeout.aborted) throw new DevFlowError("timeout", `${connection.url} did not answer within ${timeoutMs / 1000} s`, { cause });
    throw new DevFlowError("unreachable", `${connection.url} cannot be reached: ${reasonOf(cause)}`, { cause });
  } finally {
    clearTimeout(timer);
  }
}

/** Node hides why under the cause of "fetch failed". */
function reasonOf(error: unknown): string {
  const inner = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const { code, message } = inner as { code?: string; message?: string };
  const known: Record<string, string> = {
    ECONNREFUSED: "nothing listens there",
    ENOTFOUND: "there is no host of that name",
    EAI_AGAIN: "the name cannot be looked up at the moment",
    ECONNRESET: "the connection was cut",
    UND_ERR_CONNECT_TIMEOUT: "no connection in time",
    DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is self-signed; set NODE_EXTRA_CA_CERTS to the file of your CA",
    UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its certificate is of an unknown CA; set NODE_EXTRA_CA_CERTS to the file of your CA",
    CERT_HAS_EXPIRED: "its certificate has expired",
  };
  return (code === undefined ? undefined : known[code]) ?? message ?? String(error);
}

/** Waits; throws the signal's reason when it fires before. */
export function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, ms);
    if (signal?.aborted === true) abort();
    else signal?.addEventListener("abort", abort, { once: true });
  });
}
