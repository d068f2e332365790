import { expect, it } from "vitest";
import { arrayLiteral } from "./array.ts";

it("quotes what would end an element", () => {
  expect(arrayLiteral([1, null, -2.5])).toBe("{1,NULL,-2.5}");
  expect(arrayLiteral(['a"b', "c\\d", "e,f}", "NULL", ""])).toBe('{"a\\"b","c\\\\d","e,f}","NULL",""}');
});
