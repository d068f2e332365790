import { expect, it } from "vitest";
import { newUserCode, readUserCode } from "./codes.ts";

it("reads back its own codes however they are typed, and nothing else", () => {
  for (let i = 0; i < 50; i++) {
    const code = newUserCode();
    expect(code).toMatch(/^[B-Z]{4}-[B-Z]{4}$/);
    expect(readUserCode(code)).toBe(code);
    expect(readUserCode(` ${code.toLowerCase().replace("-", " ")} `)).toBe(code);
  }
  for (const wrong of ["", "BCDF-GHJ", "BCDF-GHJKL", "AEIO-UAEI", "BCDF_GHJK", "%%%%%%%%"]) expect(readUserCode(wrong)).toBeNull();
});
