import { expect, it } from "vitest";
import { barsOf, countWords, type Series } from "./bars.ts";

const series: Series[] = [
  { label: "offline", color: "red", kinds: ["server.offline"] },
  { label: "changes", color: "grey", kinds: null },
];

it("has a bar for each hour, and sums up by series", () => {
  const bars = barsOf(
    {
      from: "2026-11-20T10:00:00.000Z",
      to: "2026-11-20T12:10:00.000Z",
      stepSeconds: 3600,
      items: [
        { at: "2026-11-20T10:00:00.000Z", kind: "server.offline", count: 2 },
        { at: "2026-11-20T10:00:00.000Z", kind: "token.created", count: 3 },
        { at: "2026-11-20T10:00:00.000Z", kind: "team.created", count: 1 },
        { at: "2026-11-20T12:00:00.000Z", kind: "server.offline", count: 5 },
      ],
    },
    series,
  );
  expect(bars.map(({ values, total }) => [values, total])).toEqual([
    [[2, 4], 6],
    [[0, 0], 0],
    [[5, 0], 5],
  ]);
  expect(bars[1]!.fromMs).toBe(Date.parse("2026-11-20T11:00:00Z"));
});

it("leaves out what nobody asked for when every series names its kinds", () => {
  const counts = { from: "2026-11-20T10:00:00Z", to: "2026-11-20T11:00:00Z", stepSeconds: 3600 };
  const items = [{ at: "2026-11-20T10:00:00Z", kind: "other", count: 9 }];
  expect(barsOf({ ...counts, items }, [series[0]!])[0]!.total).toBe(0);
});

it("says in words what a bar stands for", () => {
  expect(countWords([2, 1_200], series)).toBe("2 offline, 1,200 changes");
  expect(countWords([0, 0], series)).toBe("nothing");
});
