import { expect, it } from "vitest";
import { countWindow, toTimeCounts } from "./time-counts.ts";

const now = Date.parse("2026-11-20T14:31:20Z");

it("counts the last day by the hour, from the begin of one", () => {
  expect(countWindow({}, now)).toEqual({ from: "2026-11-19T14:00:00.000Z", to: "2026-11-20T14:31:20.000Z", stepSeconds: 3600 });
});

it("counts longer times by the day", () => {
  expect(countWindow({ from: "2026-11-01T05:00:00Z" }, now)).toMatchObject({ from: "2026-11-01T00:00:00.000Z", stepSeconds: 86_400 });
});

it("refuses what is empty or too long", () => {
  expect(() => countWindow({ from: "2026-11-21T00:00:00Z" }, now)).toThrow("before to");
  expect(() => countWindow({ from: "2020-01-01T00:00:00Z" }, now)).toThrow("400 days");
});

it("tells the begin of each step", () => {
  const window = countWindow({}, now);
  expect(toTimeCounts(window, [{ second: 1_795_183_200, kind: "a", count: 2 }]).items).toEqual([
    { at: "2026-11-20T14:00:00.000Z", kind: "a", count: 2 },
  ]);
});
