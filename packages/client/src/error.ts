import type { ErrorCode } from "@devflow/errors";

/**
 * A call that failed. `code` is the API's own, or what happened without an answer of it: "unreachable" (no connection),
 * "timeout" (also the API's own), "not_devflow" (something else answered), "missed" (events are gone that were asked for).
 */
export class DevFlowError extends Error {
  override readonly name = "DevFlowError";
  readonly code: ErrorCode | "unreachable" | "not_devflow" | "missed";
  /** HTTP status; 0 when no answer came. */
  readonly status: number;
  /** Names the request in the controller's log; null when no answer came. */
  readonly requestId: string | null;
  /** What is wrong with which field of the request; empty when it is not about fields. */
  readonly fields: readonly { readonly path: string; readonly message: string }[];
  /** Seconds after which the same call may succeed; null: not said. */
  readonly retryAfterSeconds: number | null;
  /** Origin of the controller that answered with a problem; null otherwise. */
  readonly url: string | null;

  constructor(
    code: DevFlowError["code"],
    detail: string,
    facts: {
      readonly status?: number;
      readonly requestId?: string | null;
      readonly fields?: DevFlowError["fields"];
      readonly retryAfterSeconds?: number | null;
      readonly url?: string;
      readonly cause?: unknown;
    } = {},
  ) {
    super(detail, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.code = code;
    this.status = facts.status ?? 0;
    this.requestId = facts.requestId ?? null;
    this.fields = facts.fields ?? [];
    this.retryAfterSeconds = facts.retryAfterSeconds ?? null;
    this.url = facts.url ?? null;
  }

  /** What happened, in words; the same as `message`. */
  get detail(): string {
    return this.message;
  }
}

/** The error of an answer that is not 2xx. @param url origin that was asked */
export async function errorOfAnswer(response: Response, url: string): Promise<DevFlowError> {
  const seconds = retryAfterSeconds(response.headers.get("retry-after"));
  const text = await response.text().catch(() => "");
  let problem: { code?: unknown; detail?: unknown; requestId?: unknown; errors?: unknown } = {};
  try {
    if (/json/.test(response.headers.get("content-type") ?? "")) problem = (JSON.parse(text) ?? {}) as typeof problem;
  } catch {
    // Said below like any other answer that is no problem document.
  }
  const requestId = typeof problem.requestId === "string" ? problem.requestId : response.headers.get("x-request-id");
  if (typeof problem.code !== "string") {
    return new DevFlowError(
      response.status === 503 || response.status === 502 || response.status === 504 ? "unavailable" : "not_devflow",
      `${response.url || "The address"} answered ${response.status} without a problem document: a proxy, or not DevFlow`,
      { status: response.status, requestId, retryAfterSeconds: seconds },
    );
  }
  return new DevFlowError(problem.code as ErrorCode, typeof problem.detail === "string" ? problem.detail : problem.code, {
    status: response.status,
    requestId,
    url,
    retryAfterSeconds: seconds,
    fields: Array.isArray(problem.errors) ? (problem.errors as DevFlowError["fields"]) : [],
  });
}

/** Retry-After as seconds from now; null without one, or when it cannot be read. */
function retryAfterSeconds(header: string | null): number | null {
  if (header === null) return null;
  if (/^\d+$/.test(header)) return Number(header);
  const at = Date.parse(header);
  return Number.isNaN(at) ? null : Math.max(0, Math.ceil((at - Date.now()) / 1000));
}
