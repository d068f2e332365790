import { expect, it } from "vitest";
import { plainPatterns } from "./plain-patterns.ts";

/** What the generator makes of an expression. */
const written = (pattern: RegExp) => pattern.toString().replace(/^\/|\/$/g, "");

it("takes the flags of patterns away, and nothing else", () => {
  for (const pattern of [/^\p{L}+$/u, /^[a-z]+$/, /a\/u/, /a\/u/u, /[/]u/, /[/]u/u, /\\\/gu/u, /\//u, /^$/u])
    expect(plainPatterns({ pattern: written(pattern) })).toEqual({ pattern: pattern.source });
  expect(plainPatterns({ pattern: String.raw`a\\/u` })).toEqual({ pattern: String.raw`a\\` });
});

it("goes through a whole document, and leaves a property of that name alone", () => {
  const document = { a: [{ pattern: "x/u", example: "y/u" }], properties: { pattern: { type: "string", pattern: "z/v" } } };
  expect(plainPatterns(document)).toEqual({
    a: [{ pattern: "x", example: "y/u" }],
    properties: { pattern: { type: "string", pattern: "z" } },
  });
});

it("refuses a flag that changes what a pattern means", () => {
  expect(() => plainPatterns({ pattern: written(/^(?!none$)/iu) })).toThrow(/knows no flag "iu"/);
});
