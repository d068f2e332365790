import { describe, expect, it } from "vitest";
import { latest, testServer } from "./test-server.ts";
import { conditionOf, memoryPercent, networkRate } from "./values.ts";

describe("conditionOf", () => {
  it("says the state unless it is online", () =>
    expect(conditionOf(testServer({ state: "quarantined", latest: latest({ diskUsedPercent: 99 }) }))).toEqual({
      tone: "warn",
      word: "Quarantined",
    }));
  it("says the worst value while it is online", () => {
    expect(conditionOf(testServer({ latest: latest({ cpuPercent: 99, diskUsedPercent: 95 }) }))).toEqual({ tone: "bad", word: "Disk" });
    expect(conditionOf(testServer({ latest: latest({ cpuPercent: 99 }) }))).toEqual({ tone: "warn", word: "High CPU" });
  });
  it("is online at the limits themselves", () =>
    expect(conditionOf(testServer({ latest: latest({ diskUsedPercent: 80, cpuPercent: 85 }) })).word).toBe("Online"));
});

describe("derived values", () => {
  it("gives no share of an unknown or empty whole", () => {
    expect(memoryPercent(latest({ memoryTotalBytes: null }))).toBeNull();
    expect(memoryPercent(latest({ memoryTotalBytes: 0 }))).toBeNull();
    expect(memoryPercent(latest())).toBe(25);
  });
  it("adds up what is known of the network", () => {
    expect(networkRate(latest({ transmitBytesPerSecond: null }))).toBe(1000);
    expect(networkRate(latest({ transmitBytesPerSecond: null, receiveBytesPerSecond: null }))).toBeNull();
  });
});
