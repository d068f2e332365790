import type { FirstSteps } from "@devflow/api";
import { type Permission, permissionsOf, type Role } from "@devflow/api/permission-table";
import { describe, expect, it } from "vitest";
import { comeByThemselves, stepsFor } from "./first-steps.svelte.ts";

const names = ["server", "people", "factor", "automation"] as const;
const found = (done: readonly string[], away: boolean | null = null): FirstSteps => ({
  steps: names.map((step) => ({ step, done: done.includes(step) })),
  away,
});
const who = (role: Role) => ({ may: (permission: Permission) => permissionsOf(role).includes(permission) });

describe("first steps", () => {
  it("are those that somebody may take", () => {
    expect(stepsFor(found([]), who("owner")).map(({ step }) => step)).toEqual(names);
    expect(stepsFor(found([]), who("view")).map(({ step }) => step)).toEqual(["factor", "automation"]);
  });
  it("come by themselves to who builds a new installation up, while something is left", () => {
    expect(comeByThemselves(found(["server"]), 1, who("admin"))).toBe(true);
    expect(comeByThemselves(found([]), 0, who("admin"))).toBe(true);
    expect(comeByThemselves(found(names), 1, who("admin"))).toBe(false);
    expect(comeByThemselves(found(["server"]), 200, who("admin"))).toBe(false);
    expect(comeByThemselves(found(["server"]), 1, who("view"))).toBe(false);
    expect(comeByThemselves(found([], true), 1, who("admin"))).toBe(false);
  });
});
