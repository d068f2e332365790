import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { settingNames } from "./config.ts";

const page = readFileSync(new URL("../../docs/operations/settings.md", import.meta.url), "utf8");

it("docs/operations/settings.md names every setting, and none that does not exist", () => {
  const named = [...page.matchAll(/^\| `([A-Z0-9_]+)` \|/gm)].map(([, name]) => name ?? "");
  expect(new Set(named)).toEqual(new Set(settingNames));
  expect(named).toHaveLength(settingNames.length);
});
