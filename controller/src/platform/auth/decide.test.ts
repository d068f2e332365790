import { permissions, permissionTable, type Role, roles } from "@devflow/api";
import { describe, expect, it } from "vitest";
import { type Access, roleAccess, rolePermissions } from "./access.ts";
import { decide, demandPermission } from "./decide.ts";
import type { Principal } from "./principal.ts";

const principal = (access: Role | Access): Principal => ({
  kind: "user",
  id: "u",
  name: "u",
  organizationId: "a",
  userId: "u",
  access: typeof access === "string" ? roleAccess(access, "a") : access,
  address: null,
  requestId: "r",
});
const ofGroup = principal({
  grants: [{ permissions: rolePermissions.edit, role: "edit", scopeKind: "group", scopeId: "g" }],
  bound: null,
  installationAdministrator: false,
});

describe("decide", () => {
  it("lets a role do what it and weaker roles may, and nothing stronger", () => {
    for (const [held, name] of roles.entries()) {
      for (const permission of permissions) {
        const { role, within } = permissionTable[permission];
        const allowed = held >= roles.indexOf(role) && within !== "installation";
        expect(decide(principal(name), permission, { organizationId: "a" })).toBe(allowed ? "allow" : "forbidden");
        expect(decide(principal(name), permission)).toBe(allowed ? "allow" : "forbidden");
      }
    }
  });

  it("hides what belongs to another organisation or is not there, whatever the role", () => {
    expect(decide(principal("owner"), "servers.read", { organizationId: "b" })).toBe("not_found");
    expect(decide(principal("owner"), "authenticated", { organizationId: "b" })).toBe("not_found");
    expect(decide(principal("view"), "servers.remove", null)).toBe("not_found");
  });

  it("hides what is outside of the groups that somebody was given, and forbids what is inside and more than given", () => {
    expect(decide(ofGroup, "servers.edit", { organizationId: "a", groupId: "g" })).toBe("allow");
    expect(decide(ofGroup, "servers.remove", { organizationId: "a", groupId: "g" })).toBe("forbidden");
    expect(decide(ofGroup, "servers.read", { organizationId: "a", groupId: "h" })).toBe("not_found");
    expect(decide(ofGroup, "servers.read", { organizationId: "a", groupId: null })).toBe("not_found");
    expect(decide(ofGroup, "servers.read")).toBe("forbidden");
    expect(decide(ofGroup, "servers.read", "somewhere")).toBe("allow");
    expect(decide(ofGroup, "servers.remove", "somewhere")).toBe("forbidden");
  });

  it("gives the installation's settings to its administrators alone, whatever they may in an organisation", () => {
    expect(decide(principal("owner"), "installation.manage")).toBe("forbidden");
    expect(decide(principal({ grants: [], bound: null, installationAdministrator: true }), "installation.manage")).toBe("allow");
  });

  it("tells about all organisations together only its administrators, and tokens of theirs that were made for it", () => {
    const scraper = { ...roleAccess("view", "a"), ofAdministrator: true };
    expect(decide(principal(scraper), "metrics.scrape")).toBe("allow");
    expect(decide(principal(scraper), "installation.manage")).toBe("forbidden");
    expect(decide(principal({ ...scraper, grants: [] }), "metrics.scrape")).toBe("forbidden");
    expect(decide(principal({ ...roleAccess("view", "a"), installationAdministrator: true }), "metrics.scrape")).toBe("allow");
    expect(decide(principal("owner"), "metrics.scrape")).toBe("forbidden");
  });

  it("demands a principal for everything but public", () => {
    expect(decide(null, "authenticated")).toBe("unauthenticated");
    expect(decide(null, "servers.read", { organizationId: "a" })).toBe("unauthenticated");
    expect(decide(null, "servers.read", "somewhere")).toBe("unauthenticated");
    expect(decide(null, "installation.manage")).toBe("unauthenticated");
    expect(decide(null, "public")).toBe("allow");
  });

  it("refuses a demand that it does not know", () => {
    expect(decide(principal("owner"), "root" as never)).toBe("forbidden");
  });

  it("speaks the right error", () => {
    expect(() => demandPermission(null, "servers.read")).toThrow(expect.objectContaining({ code: "unauthenticated" }));
    expect(() => demandPermission(principal("view"), "servers.edit")).toThrow(expect.objectContaining({ code: "forbidden" }));
  });
});
