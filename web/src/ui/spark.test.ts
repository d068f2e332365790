import { expect, it } from "vitest";
import { areaPath, dotPath, sparkPath, sparkTop, trackPath, withValue } from "./spark.ts";

it("lifts the pen at a gap", () => expect(sparkPath([0, 100, null, 50], 30, 12)).toBe("M0.0 11.0L10.0 1.0M30.0 6.0h.1"));
it("draws nothing of nothing", () => expect(sparkPath([], 30, 12)).toBe(""));
it("shows a value that stands alone, and where there is none yet", () => {
  expect(sparkPath([null, null, 50], 20, 12)).toBe("M20.0 6.0h.1");
  expect(dotPath([1, 2, null, 50], 33, 12)).toBe("M30.0 6.0h.1");
  expect(trackPath([null, null, 50], 20, 12)).toBe("M0 11H16.0");
  expect(trackPath([1, 2], 20, 12)).toBe("");
});
it("fills what is under the line, each part between gaps for itself", () => {
  expect(areaPath([0, 100, null, 50], 30, 12)).toBe("M0.0 12V11.0L10.0 1.0V12z");
  expect(areaPath([null, 100, 100], 20, 12)).toBe("M10.0 12V1.0L20.0 1.0V12z");
});
it("keeps a little room above the line, in three sizes", () => {
  expect([[], [3, null], [24], [46, 1], [47], [100]].map(sparkTop)).toEqual([25, 25, 50, 100, 100, 100]);
  expect(sparkTop([45])).toBe(50);
});
it("takes new values in: the mean within a minute, one further after it, gaps between", () => {
  expect(withValue([null, 1, 2], 4, { minute: 9, last: 9, count: 1 })).toEqual([null, 1, 3]);
  expect(withValue([null, 1, 2], 4, { minute: 10, last: 9, count: 1 })).toEqual([1, 2, 4]);
  expect(withValue([null, 1, 2], 4, { minute: 11, last: 9, count: 1 })).toEqual([2, null, 4]);
  expect(withValue([null, 1, 2], 4, { minute: 99, last: 9, count: 1 })).toHaveLength(3 + 1 - 1);
  expect(withValue([1, null], 4, { minute: 9, last: 9, count: 0 })).toEqual([1, 4]);
});
