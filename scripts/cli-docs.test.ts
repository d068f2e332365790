import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { page, withCommands } from "./cli-docs.ts";

it("finds docs/features/cli.md in step with the commands (else: node scripts/cli-docs.ts)", () => {
  const text = readFileSync(page, "utf8");
  expect(text).toBe(withCommands(text));
});
