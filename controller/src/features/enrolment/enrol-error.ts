import { AppError, type ErrorCode } from "@devflow/errors";

/** Codes of proto EnrolError, frozen, with the status that goes with each. */
const statusOf = {
  token_unknown: "forbidden",
  token_expired: "forbidden",
  token_used_up: "forbidden",
  token_revoked: "forbidden",
  proof_wrong: "forbidden",
  identity_revoked: "forbidden",
  identity_unknown: "forbidden",
  too_late: "forbidden",
  malformed: "malformed",
  rate_limited: "rate_limited",
  internal: "internal",
} as const satisfies Record<string, ErrorCode>;

export type EnrolErrorCode = keyof typeof statusOf;

/** A refusal on the enrolment listener; `details.enrolCode` is what travels. */
export const enrolError = (code: EnrolErrorCode, message: string): AppError =>
  new AppError(statusOf[code], message, { details: { enrolCode: code } });

/** The wire's code of any error. Anything unforeseen is "internal" and says no more. */
export function enrolCodeOf(error: unknown): { code: EnrolErrorCode; message: string; httpStatus: number } {
  if (error instanceof AppError) {
    const own = error.details?.enrolCode;
    if (typeof own === "string" && own in statusOf)
      return { code: own as EnrolErrorCode, message: error.message, httpStatus: error.httpStatus };
    if (error.code === "rate_limited") return { code: "rate_limited", message: error.message, httpStatus: 429 };
    if (error.code === "conflict" || error.code === "invalid" || error.code === "malformed" || error.code === "too_large")
      return { code: "malformed", message: error.message, httpStatus: error.httpStatus };
  }
  return { code: "internal", message: "The controller failed; its log says why. Try again later.", httpStatus: 500 };
}
