/**
 * Milliseconds to wait before attempt `n` (0 is the first retry): full jitter over a window that doubles from 0.5 s to 10 s.
 * @param random from 0 to 1
 */
export const backoffMs = (n: number, random: number): number => Math.round(200 + random * Math.min(10_000, 500 * 2 ** Math.min(n, 10)));
