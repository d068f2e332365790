import { once } from "node:events";
import { beforeEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import type { TestWeb } from "../../../testing/web.ts";
import { everywhere, inOwnOrganization, makeTeam, type Person, person, told } from "../people.testkit.ts";

describe("custom roles", () => {
  let web: TestWeb;
  let org: string;
  let owner: Person;
  let admin: Person;
  inOwnOrganization((made) => ({ web, org, owner } = made));
  beforeEach(async () => {
    admin = await person(web, { [org]: [{ role: "admin" }] });
  });
  const make = (who: Person, permissions: string[], name = "Auditor") =>
    who.ask("/api/v1/roles", { method: "POST", json: { name, permissions } });
  const change = (who: Person, id: string, json: object) => who.ask(`/api/v1/roles/${id}`, { method: "PATCH", json });
  const give = (id: string, role: string) =>
    owner.ask(`/api/v1/members/${id}/grants`, { method: "PUT", json: { grants: [everywhere(role)] } });

  it("allow what they say, change for everybody who has them at once, and close what is open", async () => {
    const { id } = (await make(admin, ["servers.read"])).body;
    const ben = await person(web, { [org]: [] });
    expect((await give(ben.id, id)).status).toBe(204);
    expect([(await ben.ask("/api/v1/servers")).status, (await ben.ask("/api/v1/members")).status]).toEqual([200, 403]);
    const socket = new WebSocket(`${web.origin.replace("http", "ws")}/api/v1/live`, {
      headers: { cookie: ben.cookie, origin: web.origin },
    });
    await once(socket, "open");
    const closed = once(socket, "close");
    expect((await change(admin, id, { permissions: ["members.read"] })).status).toBe(204);
    expect((await closed)[0]).toBe(4401);
    expect([(await ben.ask("/api/v1/servers")).status, (await ben.ask("/api/v1/members")).status]).toEqual([403, 200]);
    expect((await owner.ask("/api/v1/roles")).body.items).toMatchObject([
      { id, permissions: ["members.read"], usedBy: [expect.any(String)] },
    ]);
    expect((await told(web, org)).events).toEqual(["role.created", "grants.changed", "role.updated"]);
  });

  it("hold no permission that their maker lacks, before or after a change", async () => {
    expect((await make(admin, ["organization.delete"])).status).toBe(403);
    expect((await make(admin, ["no.such"])).status).toBe(422);
    const mine = (await make(admin, ["servers.read"])).body.id;
    expect((await change(admin, mine, { permissions: ["servers.read", "organization.export"] })).status).toBe(403);
    const strong = (await make(owner, ["organization.export"], "Exporter")).body.id;
    for (const attempt of [{ permissions: ["servers.read"] }, { name: "Harmless" }])
      expect((await change(admin, strong, attempt)).status).toBe(403);
    expect((await admin.ask(`/api/v1/roles/${strong}`, { method: "DELETE" })).status).toBe(403);
    const partly = await person(web, { [org]: [{ role: "view" }] });
    expect((await make(partly, ["servers.read"], "x")).status).toBe(403);
  });

  it("in use are deleted when another takes their place, and say where they are in use", async () => {
    const { id } = (await make(admin, ["servers.read", "servers.edit"])).body;
    const ben = await person(web, { [org]: [] });
    await give(ben.id, id);
    const team = await makeTeam(web, org);
    await owner.ask(`/api/v1/teams/${team}/grants`, { method: "PUT", json: { grants: [everywhere(id)] } });
    const email = `${crypto.randomUUID()}@example.com`;
    const invited = await owner.ask("/api/v1/invitations", { method: "POST", json: { email, grants: [everywhere(id)] } });
    const refused = await admin.ask(`/api/v1/roles/${id}`, { method: "DELETE" });
    expect([refused.status, refused.body.detail]).toEqual([409, expect.stringContaining(`invitation of ${email}`)]);
    expect(refused.body.detail).toMatch(/team /);
    expect((await admin.ask(`/api/v1/roles/${id}?replacement=owner`, { method: "DELETE" })).status).toBe(422);
    expect((await admin.ask(`/api/v1/roles/${id}?replacement=${id}`, { method: "DELETE" })).status).toBe(422);
    expect((await admin.ask(`/api/v1/roles/${id}?replacement=view`, { method: "DELETE" })).status).toBe(204);
    expect((await ben.ask("/api/v1/me")).body.role).toBe("view");
    const list = await owner.ask("/api/v1/invitations");
    expect(list.body.items).toMatchObject([{ id: invited.body.invitation.id, grants: [{ role: "view" }] }]);
    expect((await make(admin, ["servers.read"], "Free")).status).toBe(201);
  });
});
