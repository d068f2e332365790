import type { Batch } from "@devflow/proto/metrics/v1/metrics";
import { RejectionReason } from "@devflow/proto/metrics/v1/metrics";

/** Rows older than this are rejected: roll-ups and compression count on it. */
export const MAX_AGE_S = 72 * 3600;
/** Rows further ahead than this are rejected: the agent's clock is wrong. */
export const MAX_AHEAD_S = 60;
export const INTERVAL_S = 10;
export const MAX_BATCHES_A_REQUEST = 256;
export const MAX_ROWS_A_FAMILY = 128;
export const MAX_NAME_BYTES = 255;
/** Names that one server may ever have had in one family; more is a name that holds a number (a process id, a hash). */
export const MAX_INSTANCES_A_FAMILY = 1000;

export interface BatchRejection {
  readonly reason: RejectionReason;
  /** What was expected and what came. */
  readonly detail: string;
}

/** @returns a rejection; for tests and callers that read better with a verb */
export const reject = (reason: RejectionReason, detail: string): BatchRejection => ({ reason, detail });

/**
 * Checks what a batch says about itself; its rows are checked while they are encoded.
 * @param nowS the controller's clock, seconds since 1970-01-01 UTC
 * @returns why it can never be stored, or null
 */
export function checkBatch(batch: Batch, nowS: number): BatchRejection | null {
  const timeS = Number(batch.timeS);
  if (timeS % INTERVAL_S !== 0)
    return reject(RejectionReason.MALFORMED, `expected a time that is a multiple of ${INTERVAL_S} s, got ${timeS}`);
  if (timeS < nowS - MAX_AGE_S)
    return reject(RejectionReason.TOO_OLD, `expected rows of the last ${MAX_AGE_S / 3600} h, got ${hours(nowS - timeS)} h ago`);
  if (timeS > nowS + MAX_AHEAD_S)
    return reject(
      RejectionReason.IN_FUTURE,
      `expected rows at most ${MAX_AHEAD_S} s ahead of the controller's clock, got ${hours(timeS - nowS)} h ahead`,
    );
  if (batch.samples < 1 || batch.samples > INTERVAL_S)
    return reject(RejectionReason.MALFORMED, `expected 1 to ${INTERVAL_S} samples, got ${batch.samples}`);
  return null;
}

const hours = (seconds: number): string => (seconds / 3600).toFixed(1);

/**
 * Whether a new instance name may be stored. The host family has one instance with an empty name.
 * @returns why not, or null
 */
export function checkInstanceName(name: string, isHost: boolean): string | null {
  if (isHost) return name === "" ? null : `expected the empty name for the host itself, got ${JSON.stringify(name.slice(0, 40))}`;
  if (name === "") return "expected an instance name, got an empty one";
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) return `expected at most ${MAX_NAME_BYTES} bytes of name, got ${Buffer.byteLength(name)}`;
  // Control characters and bidirectional overrides: what a log line or a page would show differently than it is.
  if (/[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]/u.test(name)) return "expected a name without control characters";
  return null;
}
