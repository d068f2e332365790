import { expect, it } from "vitest";
import { planChart } from "./chart-plan.ts";

const retention = { tenSecondDays: 14, minuteDays: 90, hourDays: 730 };
const nowS = 1_800_000_000;
const plan = (rangeS: number, maxPoints = 300, agoS = 0) =>
  planChart({ fromS: nowS - agoS - rangeS, toS: nowS - agoS, maxPoints, retention, nowS });

it.each([
  ["5 minutes", 300, "10s"],
  ["1 hour", 3600, "10s"],
  ["2 hours", 7200, "1m"],
  ["24 hours", 86_400, "1m"],
  ["5 days", 5 * 86_400, "1h"],
  ["30 days", 30 * 86_400, "1h"],
  ["20 years", 7300 * 86_400, "1h"],
])("takes for %s the coarsest tier that gives 120 points", (_, rangeS, tier) => expect(plan(rangeS).tier).toBe(tier));

it("takes a coarser tier where the fine one is dropped already", () => {
  expect(plan(3600, 300, 20 * 86_400).tier).toBe("1m");
  expect(plan(3600, 300, 200 * 86_400).tier).toBe("1h");
});

it("never gives more points than asked for, and covers the range", () => {
  for (const maxPoints of [1, 2, 7, 120, 300, 2000]) {
    for (const rangeS of [1, 10, 59, 3600, 86_399, 7 * 86_400, 3650 * 86_400]) {
      const { originS, stepSeconds, points } = plan(rangeS, maxPoints, 3);
      expect(points, `${maxPoints} points of ${rangeS} s`).toBeLessThanOrEqual(maxPoints);
      expect(originS).toBeLessThanOrEqual(nowS - 3 - rangeS);
      expect(originS + points * stepSeconds).toBeGreaterThanOrEqual(nowS - 3);
    }
  }
});

it("keeps its points while the range moves on", () => {
  const [a, b] = [plan(86_400), plan(86_400, 300, -60)];
  expect([a.stepSeconds, (b.originS - a.originS) % a.stepSeconds]).toEqual([b.stepSeconds, 0]);
});
