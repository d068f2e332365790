import { describe, expect, it } from "vitest";
import { parseFilter } from "./filter.ts";
import { latest, testServer } from "./test-server.ts";

const servers = [
  testServer({ name: "api-01", tags: ["prod", "php"], latest: latest({ cpuPercent: 61, memoryUsedBytes: 3.9 * 2 ** 30 }) }),
  testServer({ name: "api-02", tags: ["prod"], state: "offline" }),
  testServer({ name: "db-01", tags: ["staging", "production-like"], osName: "Alpine Linux", latest: latest({ diskUsedPercent: 91 }) }),
  testServer({ name: "fresh", latest: null }),
];
const passing = (text: string) => servers.filter(parseFilter(text).test).map((s) => s.name);

describe("parseFilter", () => {
  it("lets everything pass when empty", () => expect(passing("  ")).toHaveLength(4));
  it("finds words in names, host names, systems and tags", () => {
    expect(passing("API")).toEqual(["api-01", "api-02"]);
    expect(passing("alpine")).toEqual(["db-01"]);
    expect(passing("staging")).toEqual(["db-01"]);
  });
  it("matches tags and states whole", () => {
    expect(passing("tag:prod")).toEqual(["api-01", "api-02"]);
    expect(passing("state:offline")).toEqual(["api-02"]);
  });
  it("takes any of what is separated by commas", () => {
    expect(passing("tag:staging,php")).toEqual(["api-01", "db-01"]);
    expect(passing("-state:online,pending")).toEqual(["api-02"]);
  });
  it("knows groups by their names, and servers without one", () => {
    const grouped = [testServer({ name: "a", groupId: "g1" }), testServer({ name: "b", groupId: "g2" }), testServer({ name: "c" })];
    const names = { g1: "Web servers", g2: "Web" };
    const of = (text: string) => grouped.filter(parseFilter(text, (id) => names[id as "g1"]).test).map(({ name }) => name);
    expect(of('group:"web servers"')).toEqual(["a"]);
    expect(of("group:web")).toEqual(["b"]);
    expect(of("group:none")).toEqual(["c"]);
    expect(of('group:"Web servers,none"')).toEqual(["a", "c"]);
  });
  it("compares numbers and never matches what was not measured", () => {
    expect(passing("cpu>10 mem>80")).toEqual(["api-01"]);
    expect(passing("disk>=91%")).toEqual(["db-01"]);
    expect(passing("cpu<1000")).not.toContain("fresh");
  });
  it("needs all pieces and turns one round with a minus", () => {
    expect(passing("tag:prod -state:offline")).toEqual(["api-01"]);
    expect(passing('os:"alpine linux"')).toEqual(["db-01"]);
  });
  it("says what is wrong: a number that is none is ignored, an unknown key matches nothing", () => {
    expect(parseFilter("cpu>lots").problem).toMatch(/takes a number/);
    expect(passing("cpu>")).toHaveLength(4);
    expect(parseFilter("colour:red").problem).toMatch(/not known/);
    expect(passing("colour:red")).toEqual([]);
  });
  it("gives the text back piece by piece", () => {
    const text = '  tag:prod  "two words cpu>1 -x ';
    expect(
      parseFilter(text)
        .tokens.map((t) => t.text)
        .join(""),
    ).toBe(text);
  });
});
