import { expect, it } from "vitest";
import { grantWords } from "./role-words.ts";

it("says a role with where it is held", () => {
  expect(grantWords({ roleName: "admin", scope: { kind: "organization" }, scopeName: "Everything" })).toBe("admin");
  expect(grantWords({ roleName: "edit", scope: { kind: "group" }, scopeName: "databases" })).toBe("edit of databases");
  expect(grantWords({ roleName: "edit", scope: { kind: "team" }, scopeName: "Ops" })).toBe("edit of team Ops");
});
