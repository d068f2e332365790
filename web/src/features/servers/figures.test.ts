import { expect, it } from "vitest";
import { figuresOf } from "./figures.ts";
import { latest, testServer } from "./test-server.ts";

it("sums up the servers that it is given, values of online ones only", () => {
  const at = (cpuPercent: number, diskUsedPercent: number) => latest({ cpuPercent, diskUsedPercent });
  const servers = [
    testServer({ name: "a", latest: at(10, 20) }),
    testServer({ name: "b", latest: at(20, 70) }),
    testServer({ name: "c", latest: null }),
    testServer({ name: "d", state: "offline", latest: at(99, 99) }),
  ];
  expect(figuresOf(servers)).toMatchObject({
    total: 4,
    online: 3,
    offline: 1,
    cpuMedianPercent: 15,
    cpuP95Percent: 19.5,
    diskWorstPercent: 70,
    diskWorstServerId: "b",
  });
  expect(figuresOf([])).toMatchObject({ total: 0, cpuMedianPercent: null, diskWorstServerId: null });
});
