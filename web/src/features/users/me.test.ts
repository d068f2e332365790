import { expect, it } from "vitest";
import { safeNext } from "./me.svelte.ts";

it("leads only to pages of this installation", () => {
  expect(safeNext("/servers/1?range=1h")).toBe("/servers/1?range=1h");
  for (const bad of [null, "", "https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/sign-in?next=/x"])
    expect(safeNext(bad)).toBe("/servers");
});
