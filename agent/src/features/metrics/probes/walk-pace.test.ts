import { expect, it } from "vitest";
import { WalkPace } from "./walk-pace.ts";

/** Seconds in which a walk begins, when each costs so much and `signs` tells what moved. */
function walks(costMs: number, signs: (second: number) => string | null): number[] {
  const pace = new WalkPace();
  return Array.from({ length: 150 }, (_, second) => second).filter((second) => {
    if (!pace.isDue(second, () => signs(second))) return false;
    pace.ended(second, costMs);
    return true;
  });
}

it("walks every 10 s while sockets come and go, and less often the more a walk costs", () => {
  expect(walks(0.5, String).slice(0, 4)).toEqual([0, 10, 20, 30]);
  expect(walks(2.4, String).slice(0, 4)).toEqual([0, 24, 48, 72]);
  expect(walks(50, String)).toEqual([0, 60, 120]);
});

it("leaves out walks that nothing asks for, for a minute at most", () => {
  expect(walks(0.5, () => "quiet")).toEqual([0, 60, 120]);
  expect(walks(2.4, () => "quiet")).toEqual([0, 60, 120]);
  expect(walks(0.5, (second) => (second < 35 ? "before" : "after"))).toEqual([0, 40, 100]);
  expect(walks(0.5, () => null).slice(0, 3)).toEqual([0, 10, 20]);
});

it("asks for signs every 10 s at most", () => {
  let asked = 0;
  walks(0.5, () => `quiet${asked++ && ""}`);
  expect(asked).toBeLessThanOrEqual(15);
});
