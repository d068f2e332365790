import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { page, withTypes } from "./events-docs.ts";

it("docs/features/events.md lists the types that there are: node scripts/events-docs.ts", () => {
  const text = readFileSync(page, "utf8");
  expect(text).toBe(withTypes(text));
});
