import { expect, it } from "vitest";
import { stretchesOf } from "./chart-sql.ts";

const until = { minuteMs: 7_500, hourMs: 7_200 };
const read = (tier: "10s" | "1m" | "1h", from: number, to: number) =>
  stretchesOf(tier, from, to, until).map((s) => `${s.tier} ${s.fromMs}-${s.toMs}`);

it("reads each moment once, from the coarsest tier that holds it", () => {
  expect(read("1h", 0, 7_000)).toEqual(["1h 0-7000"]);
  expect(read("1h", 0, 8_000)).toEqual(["1h 0-7200", "1m 7200-7500", "10s 7500-8000"]);
  expect(read("1h", 7_300, 7_400)).toEqual(["1m 7300-7400"]);
  expect(read("1m", 0, 7_500)).toEqual(["1m 0-7500"]);
  expect(read("1m", 7_000, 8_000)).toEqual(["1m 7000-7500", "10s 7500-8000"]);
  expect(read("1h", 9_000, 9_500)).toEqual(["10s 9000-9500"]);
  expect(read("10s", 0, 8_000)).toEqual(["10s 0-8000"]);
});
