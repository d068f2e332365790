const firstDelayMs = 5_000;
const longestDelayMs = 4 * 3_600_000;
/** Deliveries are given up so long after they were made. */
export const giveUpAfterMs = 24 * 3_600_000;
/** A webhook to which nothing could be delivered for so long is disabled. */
export const disableAfterMs = 5 * 24 * 3_600_000;
const longestRestMs = 60_000;

/**
 * Milliseconds until the next attempt: 5 s, then three times as long each time, at most 4 h, give or take a fifth.
 * @param attempts made so far, at least 1
 * @param random 0 to 1
 */
export const retryDelayMs = (attempts: number, random: number): number =>
  Math.round(Math.min(firstDelayMs * 3 ** (attempts - 1), longestDelayMs) * (0.8 + 0.4 * random));

/**
 * Milliseconds for which nothing at all is sent to a webhook that fails: a tenth of the time that it has done so, at
 * most a minute. Otherwise each event of a busy day would wait for a timeout of an endpoint that is known to be dead.
 */
export const restMs = (failingForMs: number): number => Math.min(longestRestMs, Math.max(0, failingForMs / 10));
