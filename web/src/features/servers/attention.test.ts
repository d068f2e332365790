import { describe, expect, it } from "vitest";
import { concerns } from "./attention.ts";
import { latest, testServer } from "./test-server.ts";

describe("concerns", () => {
  it("is quiet when all is well", () => expect(concerns([testServer()], 5)).toEqual({ items: [], total: 0 }));
  it("puts failing before warning before offline", () => {
    const { items } = concerns(
      [
        testServer({ name: "off", state: "offline" }),
        testServer({ name: "clock", warnings: [{ code: "clock_off", message: "94 s ahead", since: "2026-11-20T09:00:00.000Z" }] }),
        testServer({ name: "full", latest: latest({ diskUsedPercent: 97, diskMount: "/var" }) }),
      ],
      5,
    );
    expect(items.map((c) => c.server.name)).toEqual(["full", "clock", "off"]);
    expect(items[0]).toMatchObject({ tone: "bad", tab: "disks", detail: "/var is filling up" });
    expect(items[1]?.detail).toBe("94 s ahead");
  });
  it("does not speak of old values of a server that is gone", () => {
    const { items } = concerns([testServer({ state: "offline", latest: latest({ cpuPercent: 100, load1: 9 }) })], 5);
    expect(items.map((c) => c.what)).toEqual(["offline"]);
  });
  it("counts what it leaves out", () => {
    const many = Array.from({ length: 9 }, (_, i) => testServer({ name: `s${i}`, state: "offline" }));
    const { items, total } = concerns(many, 3);
    expect([items.length, total]).toEqual([3, 9]);
  });
});
