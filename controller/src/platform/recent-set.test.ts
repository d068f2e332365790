import { expect, it } from "vitest";
import { createRecentSet } from "./recent-set.ts";

it("keeps texts for their time, and no more than its bound", () => {
  let nowMs = 0;
  const set = createRecentSet({ now: () => nowMs, keepMs: 100, maxEntries: 2 });
  set.add("a");
  nowMs = 50;
  set.add("b");
  expect([set.has("a"), set.has("b"), set.has("c")]).toEqual([true, true, false]);
  nowMs = 100;
  expect([set.has("a"), set.has("b")]).toEqual([false, true]);
  set.add("c");
  set.add("b");
  set.add("d");
  expect([set.has("b"), set.has("c"), set.has("d")]).toEqual([true, false, true]);
});
