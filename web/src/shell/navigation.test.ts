import { permissionsOf, type Permission, type Role } from "@devflow/api/permission-table";
import { describe, expect, it } from "vitest";
import { places, placesFor, type Visitor } from "./navigation.ts";

const shown = (who: Visitor) => placesFor(who).map(({ label }) => label);
const visitor = (
  whole: readonly Permission[],
  { part = [], administrator = false }: { part?: readonly Permission[]; administrator?: boolean } = {},
): Visitor => ({
  me: { installationAdministrator: administrator },
  may: (permission, groupId) => whole.includes(permission) || (groupId === undefined && part.includes(permission)),
});
const withRole = (role: Role, administrator = false) => visitor(permissionsOf(role), { administrator });

const everybodys = ["API tokens", "Organisation", "Profile"];
const viewers = ["Servers", "Events", "Members", "Teams", "Roles", "Groups", "Tags", "API tokens", "Organisation", "Profile"];
const administrators = [...viewers.slice(0, 7), "Enrolment", "API tokens", "Webhooks", "Audit log", "Organisation", "Profile"];

describe("places", () => {
  it.each(["view", "deploy", "edit"] as const)("%s sees what it may read", (role) => expect(shown(withRole(role))).toEqual(viewers));
  it.each(["admin", "owner"] as const)("%s of the organisation sees nothing of the installation", (role) =>
    expect(shown(withRole(role))).toEqual(administrators),
  );
  it("the installation's administrator sees its settings, whatever the role", () => {
    const installation = places.filter(({ group }) => group === "Installation").map(({ label }) => label);
    expect(installation).toEqual(expect.arrayContaining(["Mail", "Sign-in", "Outgoing addresses"]));
    for (const role of ["view", "owner"] as const)
      expect(shown(withRole(role, true)).filter((label) => installation.includes(label))).toEqual(installation);
  });
  it("somebody with one server group sees what is of it, and no list of all people", () =>
    expect(shown(visitor([], { part: permissionsOf("admin") }))).toEqual([
      "Servers",
      "Events",
      "Teams",
      "Groups",
      "Tags",
      "Enrolment",
      ...everybodys,
    ]));
  it("somebody with an empty role sees what is their own", () => expect(shown(visitor([]))).toEqual(everybodys));
  it("shows what a viewer sees until it is known who looks", () => expect(shown({ me: null, may: () => false })).toEqual(viewers));
  it("no two have the same key or address", () => {
    expect(new Set(places.map(({ key }) => key)).size).toBe(places.length);
    expect(new Set(places.map(({ href }) => href)).size).toBe(places.length);
  });
});
