import { expect, it } from "vitest";
import { sequenceRanges } from "./sequence-ranges.ts";

it("merges neighbours and repeats, keeps gaps", () => {
  expect(sequenceRanges([5, 1, 2, 2, 9, 3])).toEqual([
    { first: 1n, last: 3n },
    { first: 5n, last: 5n },
    { first: 9n, last: 9n },
  ]);
  expect(sequenceRanges([])).toEqual([]);
});
