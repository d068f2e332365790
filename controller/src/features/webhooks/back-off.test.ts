import { expect, it } from "vitest";
import { giveUpAfterMs, restMs, retryDelayMs } from "./back-off.ts";

it("waits longer each time, within a day about a dozen times", () => {
  const delays = Array.from({ length: 30 }, (_, n) => retryDelayMs(n + 1, 0.5));
  expect(delays.slice(0, 4)).toEqual([5_000, 15_000, 45_000, 135_000]);
  expect(Math.max(...delays)).toBe(4 * 3_600_000);
  let [attempts, waitedMs] = [1, 0];
  while (waitedMs + delays[attempts - 1]! < giveUpAfterMs) waitedMs += delays[attempts++ - 1]!;
  expect(attempts).toBe(13);
  expect([retryDelayMs(1, 0), retryDelayMs(1, 1)]).toEqual([4_000, 6_000]);
});

it("rests not at all after a first failure, and a minute at most", () => {
  expect([restMs(0), restMs(100_000), restMs(86_400_000)]).toEqual([0, 10_000, 60_000]);
});
