import { expect, it } from "vitest";
import { pieceValues, togglePiece } from "./filter-pieces.ts";

it("reads what is asked of one key", () => {
  expect(pieceValues('web tag:a,b -tag:x tag:"c" group:"Web servers,none"', "tag")).toEqual(["a", "b", "c"]);
  expect(pieceValues('group:"Web servers,none"', "group")).toEqual(["Web servers", "none"]);
});

it.each([
  ["", "tag", "a", false, "tag:a"],
  ["web tag:a", "tag", "b", false, "web tag:a tag:b"],
  ["web tag:a cpu>8", "tag", "A", false, "web cpu>8"],
  ["tag:a,b", "tag", "a", false, "tag:b"],
  ["-tag:a", "tag", "a", false, "-tag:a tag:a"],
  ["x", "state", "offline", true, "x state:offline"],
  ["state:offline x", "state", "pending", true, "x state:offline,pending"],
  ["state:offline,pending", "state", "offline", true, "state:pending"],
  ["state:offline", "state", "offline", true, ""],
  ["", "group", "Web servers", true, 'group:"Web servers"'],
  ['group:"Web servers"', "group", "none", true, 'group:"Web servers,none"'],
])("%j with %s %s (any: %s) is %j", (text, key, value, any, after) => expect(togglePiece(text, key, value, any)).toBe(after));
