/** The closed list of error codes with their HTTP and gRPC statuses: the one table of the project. */
export const errorCodes = {
  malformed: { http: 400, grpc: 3 },
  unauthenticated: { http: 401, grpc: 16 },
  forbidden: { http: 403, grpc: 7 },
  /** The session must prove once more who is behind it (POST /api/v1/session/confirm); then the same request goes through. */
  step_up_required: { http: 403, grpc: 7 },
  not_found: { http: 404, grpc: 5 },
  method_not_allowed: { http: 405, grpc: 12 },
  conflict: { http: 409, grpc: 6 },
  precondition_failed: { http: 412, grpc: 9 },
  too_large: { http: 413, grpc: 8 },
  unsupported_media_type: { http: 415, grpc: 3 },
  invalid: { http: 422, grpc: 3 },
  /** A server outside, such as the mail server, did not do its part. No 5xx: the controller is well, and proxies replace the words of 502. */
  outside_failed: { http: 422, grpc: 9 },
  rate_limited: { http: 429, grpc: 8 },
  internal: { http: 500, grpc: 13 },
  unavailable: { http: 503, grpc: 14 },
  timeout: { http: 504, grpc: 4 },
} as const;

export type ErrorCode = keyof typeof errorCodes;

export interface AppErrorOptions {
  /** Machine-readable facts for the caller; never secrets. */
  details?: Record<string, unknown>;
  /** Whether the same call may succeed later. Default: true for unavailable, timeout and rate_limited. */
  retryable?: boolean;
  /** The original error. Logged, never sent. */
  cause?: unknown;
}

/** An error that may be shown to its caller: says what was expected, what came, and what to do next. */
export class AppError extends Error {
  override readonly name = "AppError";
  readonly code: ErrorCode;
  readonly details: Record<string, unknown> | undefined;
  readonly retryable: boolean;

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details;
    this.retryable = options.retryable ?? (code === "unavailable" || code === "timeout" || code === "rate_limited");
  }

  get httpStatus(): number {
    return errorCodes[this.code].http;
  }

  get grpcStatus(): number {
    return errorCodes[this.code].grpc;
  }
}
