import { permissions, roles } from "@devflow/api";
import { describe, expect, it } from "vitest";
import {
  type Access,
  type Grant,
  heldPermissions,
  holds,
  holdsSomewhere,
  knows,
  reachOf,
  roleAccess,
  roleGrant,
  rolePermissions,
  strongestRole,
} from "./access.ts";

const organizationId = "o1";
const grant = (role: (typeof roles)[number], scopeKind: Grant["scopeKind"], scopeId: string): Grant => ({
  permissions: rolePermissions[role],
  role,
  scopeKind,
  scopeId,
});
const access = (grants: Grant[], bound: Grant[] | null = null): Access => ({ grants, bound, installationAdministrator: false });

describe("access", () => {
  it("gives each built-in role all of the ones before it, and the owner everything", () => {
    for (const [i, role] of roles.entries()) {
      const weaker = i === 0 ? [] : [...rolePermissions[roles[i - 1]!]];
      expect([...rolePermissions[role]]).toEqual(expect.arrayContaining(weaker));
    }
    expect([...rolePermissions.owner].toSorted()).toEqual(permissions.toSorted());
    expect(rolePermissions.view.has("servers.edit")).toBe(false);
  });

  it("holds for a group or a team's things only what was given there", () => {
    const some = access([grant("edit", "group", "g1"), grant("view", "team", "t1")]);
    expect(holds(some, "servers.edit", { organizationId, groupId: "g1" })).toBe(true);
    expect(holds(some, "servers.edit", { organizationId, groupId: "g2" })).toBe(false);
    expect(holds(some, "servers.edit", { organizationId })).toBe(false);
    expect(holds(some, "servers.edit")).toBe(false);
    expect(holdsSomewhere(some, "servers.edit")).toBe(true);
    expect(holds(some, "servers.read", { organizationId, groupId: "g9", teamId: "t1" })).toBe(true);
    expect(holds(some, "servers.edit", { organizationId, groupId: "g9", teamId: "t1" })).toBe(false);
    expect(knows(some, { organizationId, groupId: "g2" })).toBe(false);
    expect(knows(some, { organizationId, groupId: "g1" })).toBe(true);
  });

  it("never takes two missing ids for the same", () => {
    const odd = access([{ ...grant("owner", "group", undefined as never) }]);
    expect(holds(odd, "servers.read", { organizationId, groupId: null })).toBe(false);
    expect(knows(access([grant("owner", "project", "p")]), { organizationId, projectId: null })).toBe(false);
  });

  it("bounds a token by what its holder may at the moment", () => {
    const token = access([roleGrant("admin", organizationId)], [grant("edit", "group", "g1")]);
    expect(holds(token, "servers.remove", { organizationId, groupId: "g1" })).toBe(false);
    expect(holds(token, "servers.edit", { organizationId, groupId: "g1" })).toBe(true);
    expect(holds(token, "servers.edit", { organizationId, groupId: "g2" })).toBe(false);
    expect(holds(access([roleGrant("admin", organizationId)], []), "servers.read", { organizationId })).toBe(false);
    expect(strongestRole(access([roleGrant("admin", organizationId)], [roleGrant("view", organizationId)]))).toBe("view");
    expect(strongestRole(token)).toBeNull();
  });

  it("tells where a permission reaches", () => {
    expect(reachOf(roleAccess("view", organizationId), "servers.read")).toEqual([]);
    const part = { groupIds: ["g1"], teamIds: [], projectIds: [] };
    expect(reachOf(access([grant("view", "group", "g1")]), "servers.read")).toEqual([part]);
    expect(reachOf(access([grant("view", "group", "g1")]), "servers.edit")).toEqual([{ ...part, groupIds: [] }]);
    expect(reachOf(access([roleGrant("edit", organizationId)], [grant("view", "group", "g1")]), "servers.read")).toEqual([part]);
    const groups = [
      { id: "g1", teamId: null },
      { id: "g2", teamId: "t1" },
      { id: "g3", teamId: "t2" },
    ];
    const read = (of: Access) => heldPermissions(of, groups).find(({ permission }) => permission === "servers.read");
    const held = { permission: "servers.read", everywhere: false };
    expect(read(access([grant("view", "group", "g1")]))).toEqual({ ...held, groupIds: ["g1"], teamIds: [] });
    expect(read(access([grant("view", "team", "t1"), grant("view", "group", "g3")]))).toEqual({
      ...held,
      groupIds: ["g2", "g3"],
      teamIds: ["t1"],
    });
    // A token with a team's role whose holder has one group of it: that group and nothing else.
    expect(read(access([grant("view", "team", "t1")], [grant("edit", "group", "g2")]))).toEqual({ ...held, groupIds: ["g2"], teamIds: [] });
    expect(read(roleAccess("view", organizationId))).toEqual({ permission: "servers.read", everywhere: true, groupIds: [], teamIds: [] });
  });
});
