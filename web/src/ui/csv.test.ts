import { expect, it } from "vitest";
import { toCsv } from "./csv.ts";

it("quotes what needs it and leaves nulls empty", () =>
  expect(
    toCsv(
      ["a", "b"],
      [
        ['say "hi", all', null],
        [1.5, "x\ny"],
      ],
    ),
  ).toBe('a,b\r\n"say ""hi"", all",\r\n1.5,"x\ny"\r\n'));
it("takes the sting out of names that a spreadsheet would run", () =>
  expect(toCsv(["n"], [["=1+1"], ["@x"], ["-2"], ["+3"]])).toBe("n\r\n'=1+1\r\n'@x\r\n'-2\r\n'+3\r\n"));
it("keeps negative numbers numbers", () => expect(toCsv(["n"], [[-2]])).toBe("n\r\n-2\r\n"));
