import { expect, it } from "vitest";
import { whatItMay } from "./what-it-may.ts";

it("names roles, and the part where each is held", () => {
  const everywhere = { role: "view" as const, roleName: "view", scope: { kind: "organization" as const }, scopeName: "Everything" };
  const part = { role: "edit" as const, roleName: "edit", scope: { kind: "group" as const, id: "g" }, scopeName: "Databases" };
  expect([whatItMay([]), whatItMay([everywhere]), whatItMay([everywhere, part])]).toEqual(["nothing", "view", "view, edit in Databases"]);
});
