import { expect, test } from "vitest";
import { createRateLimit } from "./rate-limit.ts";

test("a burst passes, then only what refills; other keys are not touched", () => {
  let nowMs = 0;
  const allow = createRateLimit({ burst: 3, perMinute: 60, now: () => nowMs });
  expect([1, 2, 3, 4].map(() => allow("a"))).toEqual([true, true, true, false]);
  expect(allow("b")).toBe(true);
  nowMs = 1_000;
  expect([allow("a"), allow("a")]).toEqual([true, false]);
  nowMs = -5_000; // a clock that steps back gives nothing and breaks nothing
  expect(allow("a")).toBe(false);
});

test("keys are bounded", () => {
  const allow = createRateLimit({ burst: 1, perMinute: 1, now: () => 0, maxKeys: 2 });
  expect([allow("a"), allow("b"), allow("c")]).toEqual([true, true, true]);
  expect(allow("a")).toBe(true); // forgotten when "c" came
  expect(allow("c")).toBe(false);
});
