import type { Problem } from "@devflow/api";
import { AppError, type ErrorCode } from "@devflow/errors";
import type { z } from "zod";

const titles: Record<ErrorCode, string> = {
  malformed: "The request cannot be read",
  unauthenticated: "Sign in first",
  forbidden: "Not allowed",
  step_up_required: "Confirm that it is you",
  not_found: "Not found",
  method_not_allowed: "Method not allowed",
  conflict: "In conflict with the present state",
  precondition_failed: "Precondition failed",
  too_large: "Too large",
  unsupported_media_type: "Unsupported media type",
  invalid: "The request is not valid",
  outside_failed: "A server outside did not do its part",
  rate_limited: "Too many requests",
  internal: "Internal error",
  unavailable: "Unavailable for the moment",
  timeout: "Took too long",
};

export interface ProblemAnswer {
  readonly problem: Problem;
  readonly headers: Record<string, string>;
}

/**
 * Problem document (RFC 9457) of any error. Only AppError's words reach the caller; whatever else went wrong is
 * "internal" with the request id, under which the log has the cause.
 */
export function toProblem(error: unknown, requestId: string): ProblemAnswer {
  const known =
    error instanceof AppError
      ? error
      : new AppError("internal", "Something went wrong in the controller; its log has the reason under this request id");
  const fields = known.details?.["fields"];
  const retryAfter = known.details?.["retryAfterSeconds"];
  const allow = known.details?.["allow"];
  return {
    problem: {
      type: "about:blank",
      title: titles[known.code],
      status: known.httpStatus,
      code: known.code,
      detail: known.message,
      requestId,
      ...(Array.isArray(fields) ? { errors: fields as { path: string; message: string }[] } : {}),
    },
    headers: {
      "content-type": "application/problem+json",
      "cache-control": "no-store",
      ...(typeof retryAfter === "number" ? { "retry-after": String(retryAfter) } : {}),
      ...(typeof allow === "string" ? { allow } : {}),
      ...(known.code === "unauthenticated" ? { "www-authenticate": "Bearer" } : {}),
    },
  };
}

/** 422 with one entry a wrong or unknown field. @param where "body" or "query" */
export function invalidInput(where: "body" | "query", error: z.ZodError): AppError {
  const fields = error.issues.slice(0, 50).flatMap((issue) => {
    const path = issue.path.map(String).join(".");
    if (issue.code !== "unrecognized_keys") return [{ path: path === "" ? where : path, message: issue.message }];
    return issue.keys.slice(0, 50).map((key) => ({
      path: [path, key.slice(0, 100)].filter(Boolean).join("."),
      message: where === "query" ? "unknown parameter" : "unknown field",
    }));
  });
  const first = fields[0];
  return new AppError("invalid", `The ${where} is not as expected${first === undefined ? "" : `: ${first.path}: ${first.message}`}`, {
    details: { fields },
  });
}
