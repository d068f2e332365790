import { expect, it } from "vitest";
import { Counters, growth } from "./counters.ts";

it.each([
  ["growth", 5, 9, 0, 4],
  ["no growth", 5, 5, 0, 0],
  ["a reset", 1000, 3, 2 ** 20, Number.NaN],
  ["a 32-bit wrap", 2 ** 32 - 10, 20, 2 ** 20, 30],
  ["a fall too large for a wrap", 2 ** 32 - 2 ** 30, 20, 2 ** 20, Number.NaN],
  ["a fall of a 64-bit counter", 2 ** 40, 20, 2 ** 20, Number.NaN],
  ["a missing side", Number.NaN, 20, 2 ** 20, Number.NaN],
])("tells %s", (_, before, now, wrapBelow, expected) => expect(growth(before, now, wrapBelow)).toBe(expected));

it("finds instances that moved and keeps values when it grows", () => {
  const counters = new Counters(2);
  for (let i = 0; i < 9; i++) counters.values[counters.add(`d${i}`)] = i;
  expect(counters.find("d8", 0)).toBe(16);
  expect(counters.values[counters.find("d3", 3)]).toBe(3);
  expect(counters.values[counters.find("d3", 3) + 1]).toBeNaN();
  expect(counters.find("gone", 0)).toBe(-1);
});
