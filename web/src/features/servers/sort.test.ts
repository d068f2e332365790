import { describe, expect, it } from "vitest";
import { formatSort, nextSort, parseSort, sortServers } from "./sort.ts";
import { latest, testServer } from "./test-server.ts";

const cpu = (name: string, percent: number | null) => testServer({ name, latest: latest({ cpuPercent: percent }) });

describe("sortServers", () => {
  it("orders names as people count", () => {
    const names = ["web-10", "web-9", "Web-1"].map((name) => testServer({ name }));
    expect(sortServers(names, parseSort(null)).map((s) => s.name)).toEqual(["Web-1", "web-9", "web-10"]);
  });
  it("puts what was not measured last in both directions", () => {
    const list = [cpu("a", null), cpu("b", 5), cpu("c", 90)];
    expect(sortServers(list, parseSort("cpu")).map((s) => s.name)).toEqual(["b", "c", "a"]);
    expect(sortServers(list, parseSort("-cpu")).map((s) => s.name)).toEqual(["c", "b", "a"]);
  });
  it("puts the worst state first and breaks ties by name", () => {
    const list = [
      testServer({ name: "z" }),
      testServer({ name: "a" }),
      testServer({ name: "off", state: "offline" }),
      testServer({ name: "full", latest: latest({ diskUsedPercent: 95 }) }),
    ];
    expect(sortServers(list, parseSort("state")).map((s) => s.name)).toEqual(["full", "off", "a", "z"]);
  });
  it("does not show the CPU of a server that is gone as current", () => {
    const gone = testServer({ name: "gone", state: "offline", latest: latest({ cpuPercent: 99 }) });
    expect(sortServers([gone, cpu("b", 1)], parseSort("-cpu")).map((s) => s.name)).toEqual(["b", "gone"]);
  });
});

describe("sort in the address", () => {
  it("reads and writes itself", () => expect(formatSort(parseSort("-memory"))).toBe("-memory"));
  it("falls back to the name", () => expect(parseSort("-nonsense")).toEqual({ key: "name", descending: false }));
  it("begins with the largest for quantities and turns round on the second press", () => {
    const once = nextSort(parseSort(null), "cpu");
    expect(once).toEqual({ key: "cpu", descending: true });
    expect(nextSort(once, "cpu")).toEqual({ key: "cpu", descending: false });
  });
});
