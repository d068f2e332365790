import { expect, it } from "vitest";
import { formatAge, formatRelative } from "./time.ts";

it("rounds ages to one useful unit", () => {
  expect([0, 59_000, 61_000, 3_599_000, 3_600_000, 86_400_000 * 41].map(formatAge)).toEqual([
    "0 s",
    "59 s",
    "1 min",
    "59 min",
    "1 h",
    "41 d",
  ]);
});
it("speaks of both sides of now", () => {
  expect(formatRelative(1000, 2000)).toBe("just now");
  expect(formatRelative(0, 240_000)).toBe("4 min ago");
  expect(formatRelative(7_200_000, 0)).toBe("in 2 h");
});
