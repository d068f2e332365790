import { describe, expect, it } from "vitest";
import type { TestWeb } from "../../../testing/web.ts";
import { everywhere, give, inOwnOrganization, makeGroup, makeTeam, type Person, person, told } from "../people.testkit.ts";

describe("teams and shares", () => {
  let web: TestWeb;
  let org: string;
  let owner: Person;
  inOwnOrganization((made) => ({ web, org, owner } = made));
  const members = (team: string) => `/api/v1/teams/${team}/members`;
  const grants = (team: string) => `/api/v1/teams/${team}/grants`;

  it("give their people what they have, from joining to leaving", async () => {
    const ben = await person(web, { [org]: [] });
    const made = await owner.ask("/api/v1/teams", { method: "POST", json: { name: "Ops", description: "on call" } });
    expect(made.status).toBe(201);
    const team = made.body.id;
    expect((await owner.ask("/api/v1/teams", { method: "POST", json: { name: "Ops" } })).status).toBe(409);
    expect((await owner.ask(grants(team), { method: "PUT", json: { grants: [everywhere("edit")] } })).status).toBe(204);
    const may = async () => (await ben.ask("/api/v1/servers")).status;
    expect(await may()).toBe(403);
    for (let i = 0; i < 2; i++)
      expect((await owner.ask(members(team), { method: "POST", json: { email: ben.email.toUpperCase() } })).status).toBe(204);
    expect(await may()).toBe(200);
    expect((await ben.ask(`/api/v1/teams/${team}`)).body).toMatchObject({
      members: [{ userId: ben.id }],
      grants: [{ role: "edit" }],
      mayManage: false,
    });
    expect((await owner.ask(`${members(team)}?userId=${ben.id}`, { method: "DELETE" })).status).toBe(204);
    expect(await may()).toBe(403);
    await owner.ask(members(team), { method: "POST", json: { userId: ben.id } });
    expect((await owner.ask(`/api/v1/teams/${team}`, { method: "DELETE" })).status).toBe(204);
    expect(await may()).toBe(403);
    const { audit, events } = await told(web, org);
    expect(audit.filter((action) => action.startsWith("teams."))).toEqual(
      ["create", "add-member", "remove-member", "add-member", "delete"].map((what) => `teams.${what}`),
    );
    expect(events).toEqual(["team.created", "grants.changed", "team.updated", "team.updated", "team.updated", "team.deleted"]);
  });

  it("are led by who has a role over what they own, as far as that goes", async () => {
    const team = await makeTeam(web, org);
    const other = await makeTeam(web, org);
    const group = await makeGroup(web, org, team);
    const lead = await person(web, { [org]: [{ role: "admin", over: ["team", team] }] });
    const ben = await person(web, { [org]: [] });
    expect((await lead.ask(`/api/v1/teams/${team}`, { method: "PATCH", json: { name: "Renamed" } })).status).toBe(204);
    expect((await lead.ask(members(team), { method: "POST", json: { email: ben.email } })).status).toBe(204);
    expect((await lead.ask("/api/v1/teams")).body.items.map(({ id }: { id: string }) => id)).toEqual([team]);
    expect((await lead.ask(`/api/v1/teams/${other}`)).status).toBe(404);
    expect((await lead.ask(members(other), { method: "POST", json: { email: ben.email } })).status).toBe(404);
    expect((await lead.ask("/api/v1/teams", { method: "POST", json: { name: "Mine" } })).status).toBe(403);
    expect((await lead.ask("/api/v1/members")).status).toBe(403);
    // Over a group that the team owns they may give what they have there, and no more.
    const share = (role: string, id = group) =>
      lead.ask(`/api/v1/groups/${id}/grants`, { method: "PUT", json: { principal: { kind: "user", id: ben.id }, role } });
    expect((await share("admin")).status).toBe(200);
    expect((await share("owner")).status).toBe(422);
    expect((await share("view", await makeGroup(web, org))).status).toBe(404);
    // A team that may do more than its lead takes nobody in from them.
    await give(web, org, "team", team, { role: "edit" });
    const cleo = await person(web, { [org]: [] });
    expect((await lead.ask(members(team), { method: "POST", json: { userId: cleo.id } })).status).toBe(403);
    expect((await lead.ask(`${members(team)}?userId=${ben.id}`, { method: "DELETE" })).status).toBe(403);
    expect((await lead.ask(grants(team), { method: "PUT", json: { grants: [everywhere("owner")] } })).status).toBe(403);
    expect((await lead.ask(`/api/v1/teams/${team}`, { method: "DELETE" })).status).toBe(403);
  });

  it("cannot be owners, take strangers in, or be reached from elsewhere", async () => {
    const team = await makeTeam(web, org);
    expect((await owner.ask(grants(team), { method: "PUT", json: { grants: [everywhere("owner")] } })).status).toBe(422);
    const elsewhere = await web.organization();
    const stranger = await person(web, { [elsewhere]: [{ role: "owner" }] });
    for (const json of [{ userId: stranger.id }, { email: stranger.email }])
      expect((await owner.ask(members(team), { method: "POST", json })).status).toBe(422);
    expect((await stranger.ask(`/api/v1/teams/${team}`)).status).toBe(404);
    expect((await stranger.ask(members(team), { method: "POST", json: { userId: stranger.id } })).status).toBe(404);
    expect((await stranger.ask("/api/v1/teams")).body.items).toEqual([]);
  });

  it("get a group by a share and lose it by its end", async () => {
    const ben = await person(web, { [org]: [] });
    const team = await makeTeam(web, org, [ben.id]);
    const group = await makeGroup(web, org);
    const server = await web.server({ organizationId: org });
    await web.ctx.sql`update servers set group_id = ${group} where id = ${server}`;
    const path = `/api/v1/groups/${group}/grants`;
    const see = async () => (await ben.ask(`/api/v1/servers/${server}`)).status;
    expect(await see()).toBe(404);
    const principal = { kind: "team", id: team };
    const shared = await owner.ask(path, { method: "PUT", json: { principal, role: "view" } });
    expect(shared.body.items).toMatchObject([{ principal, role: "view", mayChange: true }]);
    expect(await see()).toBe(200);
    await owner.ask(path, { method: "PUT", json: { principal, role: "edit" } });
    expect((await owner.ask(path)).body.items).toMatchObject([{ role: "edit" }]);
    const end = `${path}?principalKind=team&principalId=${team}`;
    for (let i = 0; i < 2; i++) expect((await owner.ask(end, { method: "DELETE" })).status).toBe(204);
    expect(await see()).toBe(404);
    expect((await told(web, org)).events).toEqual(["grants.changed", "grants.changed", "grants.changed"]);
    expect((await owner.ask(path, { method: "PUT", json: { principal: { kind: "team", id: "' or 1=1" }, role: "view" } })).status).toBe(
      404,
    );
  });
});
