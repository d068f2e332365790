import { expect, it } from "vitest";
import { isWorthIt, type Look } from "./give-back-memory.ts";

const MiB = 2 ** 20;
const idle: Look = {
  utilization: 0.01,
  heapUsedBytes: 40 * MiB,
  heapTotalBytes: 70 * MiB,
  heapAfterBytes: 30 * MiB,
  sinceMs: 3_600_000,
};

it("collects when little happens and there is something to get", () => {
  expect(isWorthIt(idle)).toBe(true);
  expect(isWorthIt({ ...idle, heapAfterBytes: null, sinceMs: Infinity })).toBe(true);
});

it.each([
  ["busy", { utilization: 0.2 }],
  ["a heap that takes long", { heapUsedBytes: 200 * MiB }],
  ["collected lately", { sinceMs: 60_000 }],
  ["hardly grown", { heapTotalBytes: 35 * MiB }],
])("lets it be: %s", (_name, values) => expect(isWorthIt({ ...idle, ...values })).toBe(false));
