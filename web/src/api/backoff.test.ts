import { expect, it } from "vitest";
import { backoffMs } from "./backoff.ts";

it("doubles its window and stops at ten seconds", () => {
  expect([0, 1, 2, 5, 50].map((n) => backoffMs(n, 1))).toEqual([700, 1200, 2200, 10_200, 10_200]);
  expect(backoffMs(50, 0)).toBe(200);
});
