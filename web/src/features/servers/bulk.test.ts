import { expect, it } from "vitest";
import { inCalls, undoOf } from "./bulk.ts";
import { testServer } from "./test-server.ts";

const a = testServer({ name: "a", tags: ["x"], groupId: "g1" });
const b = testServer({ name: "b", tags: ["x", "y"] });
const c = testServer({ name: "c" });

it("takes back only what a change did", () => {
  expect(undoOf([a, b, c], { addTags: ["y"] })).toEqual([{ ids: ["a", "c"], removeTags: ["y"] }]);
  expect(undoOf([a, b, c], { removeTags: ["x"] })).toEqual([{ ids: ["a", "b"], addTags: ["x"] }]);
  expect(undoOf([a, b, c], { groupId: "g2" })).toEqual([
    { ids: ["a"], groupId: "g1" },
    { ids: ["b", "c"], groupId: null },
  ]);
  expect(undoOf([b], { addTags: ["x"] })).toEqual([]);
});
it("asks for a thousand at once and no more", () => {
  const ids = Array.from({ length: 2_001 }, (_, n) => String(n));
  expect(inCalls({ ids, addTags: ["x"] }).map((call) => call.ids.length)).toEqual([1_000, 1_000, 1]);
});
