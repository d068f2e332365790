import { expect, it } from "vitest";
import { bulkChange } from "./bulk-change.ts";

const before = { tags: ["a", "b"], groupId: "g1" };
const many = (n: number) => Array.from({ length: n }, (_, i) => `t${i}`);

it.each([
  ["adds behind what is there", { addTags: ["c", "a"] }, { tags: ["a", "b", "c"], groupId: "g1" }],
  ["removes", { removeTags: ["a", "x"] }, { tags: ["b"], groupId: "g1" }],
  ["keeps what is added and removed", { addTags: ["a"], removeTags: ["a"] }, null],
  ["moves", { groupId: "g2" }, { tags: ["a", "b"], groupId: "g2" }],
  ["takes out of the group", { groupId: null }, { tags: ["a", "b"], groupId: null }],
  ["sees that nothing changes", { addTags: ["b"], removeTags: ["x"], groupId: "g1" }, null],
  ["refuses more than 50 tags", { addTags: many(49) }, "too_many_tags"],
])("%s", (_, change, after) => expect(bulkChange(before, change)).toEqual(after));

it("lets tags be taken away where there are too many", () => {
  expect(bulkChange({ tags: many(60), groupId: null }, { removeTags: ["t0"] })).toMatchObject({ tags: many(60).slice(1) });
});
