import type { ErrorCode } from "./index.ts";

/** What each code means to who asked, and what to do about it; docs/api.md is made from this. */
export const errorMeanings: Readonly<Record<ErrorCode, { readonly when: string; readonly remedy: string }>> = {
  malformed: { when: "the body is not JSON", remedy: "mend the request" },
  unauthenticated: { when: "no session or token, or it ended", remedy: "sign in, or send a token that is valid" },
  forbidden: {
    when: "known, but too weak a role; or a foreign `Origin`",
    remedy: "ask an administrator for the permission that `detail` names",
  },
  step_up_required: {
    when: "dangerous, and the session's last proof of who is behind it is older than ten minutes",
    remedy: "`POST /api/v1/session/confirm`, then the same request again",
  },
  not_found: { when: "unknown route or id, also an id of another organisation or out of reach", remedy: "check path and id" },
  method_not_allowed: { when: "the path exists, the method does not", remedy: "use one of those in `Allow`" },
  conflict: { when: "the state does not allow it; an equal `Idempotency-Key` is under way", remedy: "read the thing anew, then decide" },
  precondition_failed: { when: "`If-Match` is not the present `ETag`", remedy: "read the thing anew, then change it" },
  too_large: { when: "body over 1 MiB", remedy: "send less, in several requests" },
  unsupported_media_type: { when: "body without `Content-Type: application/json`", remedy: "send JSON and say so" },
  invalid: {
    when: "wrong or unknown fields or parameters; `Idempotency-Key` used with another request",
    remedy: "mend what `errors` names",
  },
  rate_limited: { when: "too many requests or attempts", remedy: "wait for `Retry-After` seconds" },
  internal: { when: "something went wrong in the controller", remedy: "look for `requestId` in its log" },
  unavailable: { when: "the database or another part is away", remedy: "try again after `Retry-After` seconds, or some" },
  outside_failed: {
    when: "another server that was asked for you, such as the mail server, is away or refused; `detail` says what it answered",
    remedy: "mend the setting or that server; DevFlow itself is well",
  },
  timeout: { when: "it took too long", remedy: "try again with less: a shorter time, a smaller page" },
};
