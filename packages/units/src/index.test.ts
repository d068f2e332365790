import { expect, it } from "vitest";
import { formatByteRate, formatBytes, formatCount, formatDuration, formatPercent, formatValue } from "./index.ts";

it.each([
  [0, "0 B"],
  [1023, "1023 B"],
  [1024, "1 KiB"],
  [1536, "1.5 KiB"],
  [1048575, "1 MiB"],
  [5.2 * 2 ** 30, "5.2 GiB"],
  [-2048, "-2 KiB"],
])("formats %d bytes as %s", (bytes, text) => expect(formatBytes(bytes)).toBe(text));

it.each([
  [0.25, "250 ms"],
  [65, "1 min 5 s"],
  [3600, "1 h"],
  [3605, "1 h"],
  [93_784, "1 d 2 h"],
])("formats %d s as %s", (seconds, text) => expect(formatDuration(seconds)).toBe(text));

it.each([
  [0, "0 B/s"],
  [512, "512 B/s"],
  [10 * 2 ** 20, "10.0 MiB/s"],
  [10.25 * 2 ** 20, "10.3 MiB/s"],
  [150 * 2 ** 20, "150 MiB/s"],
])("formats %d bytes a second as %s", (rate, text) => expect(formatByteRate(rate)).toBe(text));

it("keeps one digit below ten percent", () => {
  expect([formatPercent(3.21), formatPercent(12.34), formatPercent(100)]).toEqual(["3.2 %", "12 %", "100 %"]);
});

it("rounds counts to what is useful", () => {
  expect([formatCount(1234.5), formatCount(0.123), formatCount(3.21), formatCount(7)]).toEqual(["1,235", "0.12", "3.2", "7"]);
});

it.each([
  [null, "percent", "–"],
  [12.34, "percent", "12 %"],
  [1536, "bytes", "1.5 KiB"],
  [4.25, "milliseconds", "4.3 ms"],
  [65_000, "milliseconds", "1 min 5 s"],
  [1234.5, "per_second", "1,235/s"],
  [0.5, "ratio", "0.50"],
  [3, "count", "3"],
  [3, "something newer", "3"],
] as const)("formats %s in %s as %s", (value, unit, text) => expect(formatValue(value, unit)).toBe(text));
