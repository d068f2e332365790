import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { page, withMeasures } from "./metrics-docs.ts";

it("docs/features/metrics.md lists the measures of the catalogue (node scripts/metrics-docs.ts)", () => {
  const text = readFileSync(page, "utf8");
  expect(withMeasures(text)).toBe(text);
});
