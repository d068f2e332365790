import { expect, test } from "vitest";
import { backoffMs, refusedDelayMs, renewExpiredDelayMs } from "./backoff.ts";

test("the ceiling doubles up to 10 s in the first two minutes", () => {
  expect([1, 2, 3, 4, 5, 9, 400].map((attempt) => backoffMs(attempt, 0, 1))).toEqual([1000, 2000, 4000, 8000, 10_000, 10_000, 10_000]);
  expect(backoffMs(9, 119_999, 1)).toBe(10_000);
});

test("later the ceiling is 60 s", () => {
  expect(backoffMs(9, 120_000, 1)).toBe(60_000);
  expect(backoffMs(2, 500_000, 1)).toBe(2000);
});

test("jitter is full: from zero to the ceiling", () => {
  expect(backoffMs(5, 0, 0)).toBe(0);
  expect(backoffMs(5, 0, 0.5)).toBe(5000);
});

test("a refusal waits 60 s at least", () => {
  expect(refusedDelayMs(0)).toBe(60_000);
  expect(refusedDelayMs(0.999)).toBeLessThan(120_000);
});

test("an ended certificate is renewed every few minutes, not in step", () => {
  expect(renewExpiredDelayMs(0)).toBe(180_000);
  expect(renewExpiredDelayMs(0.999)).toBeLessThan(360_000);
});
