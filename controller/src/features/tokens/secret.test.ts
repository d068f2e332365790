import { expect, it } from "vitest";
import { isMistyped, newTokenSecret, tokenPrefix } from "./secret.ts";

it("tokens can be recognised by their form, and typos without a look-up", () => {
  const secret = newTokenSecret();
  expect(secret).toMatch(/^devflow_api_[0-9A-Za-z]{49}$/);
  expect(isMistyped(secret)).toBe(false);
  for (let i = "devflow_api_".length; i < secret.length; i++) {
    const other = secret[i] === "x" ? "y" : "x";
    expect(isMistyped(secret.slice(0, i) + other + secret.slice(i + 1))).toBe(true);
  }
  expect([isMistyped(secret.slice(0, -1)), isMistyped(`${secret}0`), isMistyped("devflow_api_")]).toEqual([true, true, true]);
});

it("all signs come up about equally often", () => {
  const counts = new Map<string, number>();
  for (let i = 0; i < 2_000; i++) for (const sign of newTokenSecret().slice(12, 55)) counts.set(sign, (counts.get(sign) ?? 0) + 1);
  expect(counts.size).toBe(62);
  // 1,387 expected each; eight standard deviations.
  for (const count of counts.values()) expect(Math.abs(count - 1387)).toBeLessThan(300);
});

it("secrets that somebody else made are looked up, and shown by less", () => {
  expect(isMistyped("a".repeat(32))).toBe(false);
  expect([tokenPrefix("abcdefgh"), tokenPrefix("devflow_api_abcdefghij")]).toEqual(["abcd", "devflow_api_abcdef"]);
});
