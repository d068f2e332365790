import { expect, it } from "vitest";
import { visibleRange } from "./window.ts";

it("draws what is on screen and a margin, never beyond the list", () => {
  expect(visibleRange(0, 370, 37, 10_000, 5)).toEqual({ from: 0, to: 15 });
  expect(visibleRange(3700, 370, 37, 10_000, 5)).toEqual({ from: 95, to: 115 });
  expect(visibleRange(370_000, 370, 37, 10_000, 5)).toEqual({ from: 9995, to: 10_000 });
  expect(visibleRange(-800, 370, 37, 10_000, 5)).toEqual({ from: 0, to: 0 });
  expect(visibleRange(0, 370, 37, 3, 5)).toEqual({ from: 0, to: 3 });
});
