import { permissions } from "@devflow/api";
import { describe, expect, it } from "vitest";
import { decide, demandPermission, weaker } from "./decide.ts";
import type { Principal } from "./principal.ts";

const principal = (permission: Principal["permission"]): Principal => ({
  kind: "user",
  id: "u",
  name: "u",
  organizationId: "a",
  permission,
  address: null,
  requestId: "r",
});

describe("decide", () => {
  it("lets a role do what it and weaker roles may, and nothing stronger", () => {
    for (const [held, name] of permissions.entries()) {
      for (const [demanded, demand] of permissions.entries()) {
        expect(decide(principal(name), demand, { organizationId: "a" })).toBe(held >= demanded ? "allow" : "forbidden");
      }
    }
  });

  it("hides what belongs to another organisation or is not there, whatever the role", () => {
    expect(decide(principal("owner"), "view", { organizationId: "b" })).toBe("not_found");
    expect(decide(principal("owner"), "authenticated", { organizationId: "b" })).toBe("not_found");
    expect(decide(principal("view"), "owner", null)).toBe("not_found");
  });

  it("demands a principal for everything but public", () => {
    expect(decide(null, "authenticated")).toBe("unauthenticated");
    expect(decide(null, "view", { organizationId: "a" })).toBe("unauthenticated");
    expect(decide(null, "public")).toBe("allow");
  });

  it("refuses a demand that it does not know", () => {
    expect(decide(principal("owner"), "root" as never)).toBe("forbidden");
  });

  it("speaks the right error", () => {
    expect(() => demandPermission(null, "view")).toThrow(expect.objectContaining({ code: "unauthenticated" }));
    expect(() => demandPermission(principal("view"), "edit")).toThrow(expect.objectContaining({ code: "forbidden" }));
    expect(weaker("admin", "view")).toBe("view");
    expect(weaker("deploy", "owner")).toBe("deploy");
  });
});
