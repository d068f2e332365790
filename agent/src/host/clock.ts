/** CLOCK_MONOTONIC in milliseconds, with fractions. */
export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6;
