import { expect, it } from "vitest";
import { codeOf, stepOf } from "./code.ts";

// RFC 6238, appendix B, SHA-1, cut to six figures.
const secret = Buffer.from("12345678901234567890");
const vectors: [number, string][] = [
  [59, "287082"],
  [1_111_111_109, "081804"],
  [1_111_111_111, "050471"],
  [1_234_567_890, "005924"],
  [2_000_000_000, "279037"],
  [20_000_000_000, "353130"],
];

it.each(vectors)("computes the code of second %i", (seconds, code) => expect(codeOf(secret, Math.floor(seconds / 30))).toBe(code));

it("takes a neighbouring step, none farther away, and none twice", () => {
  const step = 41_152_263;
  const nowMs = step * 30_000 + 1_000;
  expect([-2, -1, 0, 1, 2].map((by) => stepOf(secret, codeOf(secret, step + by), nowMs, 0))).toEqual([
    null,
    step - 1,
    step,
    step + 1,
    null,
  ]);
  expect(stepOf(secret, codeOf(secret, step), nowMs, step)).toBeNull();
  expect(stepOf(secret, codeOf(secret, step - 1), nowMs, step)).toBeNull();
  expect(stepOf(secret, codeOf(secret, step).replace(/^.../, "$& "), nowMs, step - 1)).toBe(step);
  for (const odd of ["", "12345", "1234567", "äöüäöü"]) expect(stepOf(secret, odd, nowMs, 0)).toBeNull();
});
