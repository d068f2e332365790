/** Delays between attempts to connect: exponential with full jitter, so that agents do not return in step. */

/** First delay's ceiling. */
export const FIRST_MS = 1_000;
/** Ceiling while the trouble is younger than two minutes: a controller that restarts has everybody back soon. */
export const EARLY_CAP_MS = 10_000;
export const LATE_CAP_MS = 60_000;
export const EARLY_MS = 120_000;

/**
 * Milliseconds to wait before the next attempt.
 * @param attempt failures in a row, from 1
 * @param troubleMs how long ago the last good connection ended (or the agent started)
 * @param random 0 ≤ random < 1
 */
export function backoffMs(attempt: number, troubleMs: number, random: number): number {
  const cap = troubleMs < EARLY_MS ? EARLY_CAP_MS : LATE_CAP_MS;
  return random * Math.min(cap, FIRST_MS * 2 ** Math.min(attempt - 1, 16));
}

/** Between attempts to renew a certificate that has ended, at the enrolment listener: 3 to 6 minutes. */
export const renewExpiredDelayMs = (random: number): number => 180_000 * (1 + random);

/** After a refusal that only a person can lift (revoked, cloned, quarantined): 60 to 120 s. */
export const refusedDelayMs = (random: number): number => LATE_CAP_MS * (1 + random);
