import { once } from "node:events";
import type { LiveServerMessage, Server, ServerGroup } from "@devflow/api";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { groupedServer, testGroup, testTeam, tokenWith } from "../../testing/access.ts";
import { testWeb, type TestWeb } from "../../testing/web.ts";

describe("server groups", () => {
  let web: TestWeb;
  let admin: string;
  let team: string;
  let blue: string;
  let red: string;
  let teams: string;
  let inBlue: string;
  let inRed: string;
  let inTeams: string;
  let ungrouped: string;
  beforeAll(async () => {
    web = await testWeb();
    admin = await web.token("admin");
    team = await testTeam(web, "Ops");
    [blue, red, teams] = [await testGroup(web, "Blue"), await testGroup(web, "Red"), await testGroup(web, "Team's", team)];
    inBlue = await groupedServer(web, "blue-1", blue, ["prod", "b"]);
    inRed = await groupedServer(web, "red-1", red, ["prod", "r"]);
    inTeams = await groupedServer(web, "team-1", teams, ["t"]);
    ungrouped = await groupedServer(web, "alone-1", null, ["secret"]);
  });
  afterAll(() => web.close());

  const names = async (token: string, query = "") =>
    ((await web.ask(`/api/v1/servers${query}`, { token })).body.items as Server[]).map(({ name }) => name);
  const groupNames = async (token: string) =>
    ((await web.ask("/api/v1/groups", { token })).body.items as ServerGroup[]).map(({ name }) => name);
  const patch = (token: string, id: string, json: unknown) => web.ask(`/api/v1/servers/${id}`, { method: "PATCH", token, json });

  it("bound what a role over them reaches: servers, groups, tags, figures", async () => {
    const viewBlue = await tokenWith(web, { role: "view", group: blue });
    const viewTeam = await tokenWith(web, { role: "view", team });
    expect(await names(viewBlue)).toEqual(["blue-1"]);
    expect(await groupNames(viewBlue)).toEqual(["Blue"]);
    expect(await names(viewTeam)).toEqual(["team-1"]);
    expect(await groupNames(viewTeam)).toEqual(["Team's"]);
    expect(await groupNames(admin)).toEqual(["Blue", "Red", "Team's"]);
    expect((await web.ask("/api/v1/tags", { token: viewBlue })).body.items).toEqual([
      { name: "b", color: "grey", description: "", servers: 1 },
      { name: "prod", color: "grey", description: "", servers: 1 },
    ]);
    expect((await web.ask("/api/v1/servers/summary", { token: viewBlue })).body).toMatchObject({ total: 1 });
    for (const path of [`/api/v1/servers/${inRed}`, `/api/v1/servers/${ungrouped}`, `/api/v1/groups/${red}`])
      expect([path, (await web.ask(path, { token: viewBlue })).status]).toEqual([path, 404]);
    // A filter asks within the reach, never beyond it.
    expect(await names(viewBlue, `?group=${red}`)).toEqual([]);
    expect(await names(viewBlue, "?tag=secret")).toEqual([]);
    const { body } = await web.ask("/api/v1/me", { token: viewTeam });
    expect(body.permissions).toContainEqual({ permission: "servers.read", everywhere: false, groupIds: [teams], teamIds: [team] });
  });

  it("are made, renamed, described, counted and deleted; servers stay", async () => {
    const made = await web.ask("/api/v1/groups", { method: "POST", token: admin, json: { name: " Web & API (EU) " } });
    expect([made.status, made.body]).toMatchObject([
      201,
      { name: "Web & API (EU)", description: "", team: null, servers: { total: 0, online: 0 } },
    ]);
    const { id } = made.body as ServerGroup;
    for (const name of ["", "none", "None", 'a"b', "a\nb", "x".repeat(101)])
      expect([name, (await web.ask("/api/v1/groups", { method: "POST", token: admin, json: { name } })).status]).toEqual([name, 422]);
    expect((await web.ask("/api/v1/groups", { method: "POST", token: admin, json: { name: "WEB & api (eu)" } })).status).toBe(409);
    expect((await web.ask(`/api/v1/groups/${id}`, { method: "PATCH", token: admin, json: { name: "red" } })).status).toBe(409);
    const change = { name: "Edge", description: "near people" };
    expect((await web.ask(`/api/v1/groups/${id}`, { method: "PATCH", token: admin, json: change })).body).toMatchObject(change);
    const one = await groupedServer(web, "edge-1", id);
    await groupedServer(web, "edge-2", id);
    await web.ctx
      .sql`insert into agent_sessions (server_id, gateway_id, epoch, boot_id, spool_id, address) values (${one}, gen_random_uuid(), 1, 'b', 's', '::1')`;
    expect((await web.ask(`/api/v1/groups/${id}`, { token: admin })).body.servers).toEqual({ total: 2, online: 1 });
    const token = await web.ask("/api/v1/enrolment-tokens", { method: "POST", token: admin, json: { groupId: id } });
    const holder = await tokenWith(web, { role: "view", group: id });
    const deleted = await web.ask(`/api/v1/groups/${id}`, { method: "DELETE", token: admin });
    expect([deleted.status, deleted.body]).toEqual([200, { servers: 2, enrolmentTokens: 1 }]);
    expect((await web.ask(`/api/v1/servers/${one}`, { token: admin })).body.groupId).toBeNull();
    // Nobody sees them by the role that was over the group, and no machine comes in unseen.
    expect((await web.ask("/api/v1/servers", { token: holder })).status).toBe(403);
    const [row] = await web.ctx.sql<
      { revoked: boolean }[]
    >`select revoked_at is not null as revoked from enrolment_tokens where id = ${token.body.token.id}`;
    expect(row).toEqual({ revoked: true });
    const audit = await web.ctx.sql<{ action: string }[]>`select action from audit_log where target_id = ${id} order by sequence`;
    expect(audit.map(({ action }) => action)).toEqual(["groups.create", "groups.update", "groups.delete"]);
    const events = await web.ctx.sql<{ type: string }[]>`select type from events where subject_id = ${id} order by sequence`;
    expect(events.map(({ type }) => type)).toEqual(["group.created", "group.updated", "group.deleted"]);
    await web.ctx.sql`delete from servers where name like 'edge-%'`;
  });

  it("are a team's only with its say, and never give more than somebody has", async () => {
    const teamAdmin = await tokenWith(web, { role: "admin", team });
    const create = (token: string, json: unknown) => web.ask("/api/v1/groups", { method: "POST", token, json });
    expect((await create(teamAdmin, { name: "Mine" })).status).toBe(403);
    const mine = await create(teamAdmin, { name: "Mine", teamId: team });
    expect([mine.status, mine.body.team]).toEqual([201, { id: team, name: "Ops" }]);
    const other = await testTeam(web, "Other");
    expect((await create(teamAdmin, { name: "Theirs", teamId: other })).status).toBe(404);
    expect((await create(admin, { name: "Nobody's", teamId: blue })).status).toBe(422);
    const give = (token: string, id: string, teamId: string | null) =>
      web.ask(`/api/v1/groups/${id}`, { method: "PATCH", token, json: { teamId } });
    // Out of the team's hands: only who manages all groups may.
    expect((await give(teamAdmin, mine.body.id, null)).status).toBe(403);
    expect((await give(admin, mine.body.id, null)).status).toBe(200);
    // Who may only manage a group cannot take its servers by giving it to a team where they are admin.
    const { sql, installation } = web.ctx;
    const [role] = await sql<{ id: string }[]>`insert into custom_roles (organization_id, name, permissions)
      values (${installation.defaultOrganizationId}, 'keeper', array['groups.manage', 'servers.read']) returning id`;
    const sly = await tokenWith(web, { role: "admin", team });
    const [{ id: slyId } = { id: "" }] = await sql<{ id: string }[]>`select id from api_tokens order by created_at desc limit 1`;
    await sql`insert into grants (organization_id, principal_kind, principal_id, role_id, scope_kind, scope_id)
      values (${installation.defaultOrganizationId}, 'token', ${slyId}, ${role!.id}, 'group', ${blue})`;
    const tried = await give(sly, blue, team);
    expect([tried.status, tried.body.code]).toEqual([403, "forbidden"]);
    expect(
      (await web.ask(`/api/v1/groups/${blue}`, { method: "PATCH", token: sly, json: { description: "may be described" } })).status,
    ).toBe(200);
  });

  it("take servers only from who may edit at both ends", async () => {
    const editBlue = await tokenWith(web, { role: "edit", group: blue });
    const both = await tokenWith(web, { role: "edit", group: blue }, { role: "edit", group: red });
    const viewRed = await tokenWith(web, { role: "edit", group: blue }, { role: "view", group: red });
    // The other end cannot be known of, or may not be written to.
    expect((await patch(editBlue, inBlue, { groupId: red })).status).toBe(422);
    expect((await patch(viewRed, inBlue, { groupId: red })).status).toBe(403);
    expect((await patch(viewRed, inRed, { groupId: blue })).status).toBe(403);
    expect((await patch(editBlue, inBlue, { groupId: null })).status).toBe(403);
    expect((await patch(editBlue, ungrouped, { groupId: blue })).status).toBe(404);
    expect((await patch(admin, inBlue, { groupId: "00000000-0000-4000-8000-000000000000" })).status).toBe(422);
    const moved = await patch(both, inBlue, { groupId: red });
    expect([moved.status, moved.body.groupId]).toEqual([200, red]);
    expect((await web.ask(`/api/v1/servers/${inBlue}`, { token: editBlue })).status).toBe(404);
    expect((await patch(both, inBlue, { groupId: blue, tags: ["prod", "b", "prod"], name: "blue-1" })).body).toMatchObject({
      groupId: blue,
      tags: ["prod", "b"],
    });
    const [event] = await web.ctx.sql`select type, group_id, data from events where subject_id = ${inBlue} order by sequence desc limit 1`;
    expect(event).toEqual({ type: "server.updated", group_id: blue, data: { before: { groupId: red }, after: { groupId: blue } } });
    expect((await patch(both, inBlue, {})).status).toBe(422);
    for (const tags of [["a b"], ["a,b"], [""], ["x".repeat(51)], ["<b>"], Array.from({ length: 51 }, (_, i) => `t${i}`), "prod"])
      expect([tags, (await patch(both, inBlue, { tags })).status]).toEqual([tags, 422]);
  });

  it("are where a token's servers begin, for who may enrol there", async () => {
    const enrolBlue = await tokenWith(web, { role: "admin", group: blue });
    const create = (token: string, json: unknown) => web.ask("/api/v1/enrolment-tokens", { method: "POST", token, json });
    expect((await create(enrolBlue, {})).status).toBe(403);
    expect((await create(enrolBlue, { groupId: red })).status).toBe(422);
    expect((await create(enrolBlue, { groupId: null })).status).toBe(403);
    expect((await create(enrolBlue, { replacesServerId: inRed })).status).toBe(404);
    expect((await create(enrolBlue, { replacesServerId: inBlue, tags: ["x"] })).status).toBe(422);
    expect((await create(enrolBlue, { replacesServerId: inBlue })).body.token).toMatchObject({ groupId: blue });
    const made = await create(enrolBlue, { groupId: blue, tags: ["prod", "new"] });
    expect([made.status, made.body.token]).toMatchObject([201, { groupId: blue, tags: ["prod", "new"] }]);
    const everywhere = await create(admin, { tags: ["all"] });
    const listed = async (token: string) =>
      ((await web.ask("/api/v1/enrolment-tokens", { token })).body.items as { id: string }[]).map(({ id }) => id);
    expect(await listed(enrolBlue)).toContain(made.body.token.id);
    expect(await listed(enrolBlue)).not.toContain(everywhere.body.token.id);
    expect(await listed(admin)).toEqual(expect.arrayContaining([made.body.token.id, everywhere.body.token.id]));
    const revoke = (id: string) => web.ask(`/api/v1/enrolment-tokens/${id}`, { method: "DELETE", token: enrolBlue });
    expect((await revoke(everywhere.body.token.id)).status).toBe(404);
    expect((await revoke(made.body.token.id)).status).toBe(204);
  });

  it("change many servers at once, each as far as somebody may", async () => {
    const foreign = await web.server({ organizationId: await web.organization(), name: "foreign" });
    const token = await tokenWith(web, { role: "edit", group: blue }, { role: "view", group: red });
    const bulk = (json: unknown, by = token) => web.ask("/api/v1/servers/bulk", { method: "POST", token: by, json });
    for (const bad of [
      { ids: [], addTags: ["x"] },
      { addTags: ["x"] },
      { ids: [inBlue] },
      { ids: "all", addTags: ["x"] },
      { ids: [inBlue], addTags: ["a b"] },
      { ids: Array.from({ length: 1001 }, () => inBlue), addTags: ["x"] },
    ])
      expect([bad.ids?.length, (await bulk(bad)).status]).toEqual([bad.ids?.length, 422]);
    const second = await groupedServer(web, "blue-2", blue, ["kept"]);
    const full = await groupedServer(
      web,
      "blue-3",
      blue,
      Array.from({ length: 50 }, (_, i) => `t${i}`),
    );
    const changed: string[] = [];
    const off = web.ctx.bus.on("server.changed", ({ serverId }) => void changed.push(serverId));
    const ids = [second, inBlue, full, inRed, inTeams, foreign, "00000000-0000-4000-8000-000000000000", second];
    const { status, body } = await bulk({ ids, addTags: ["kept", "new"], removeTags: ["b"] });
    off();
    expect([status, body]).toEqual([
      200,
      {
        changed: 2,
        items: [
          { id: second, outcome: "changed" },
          { id: inBlue, outcome: "changed" },
          { id: full, outcome: "too_many_tags" },
          { id: inRed, outcome: "forbidden" },
          { id: inTeams, outcome: "not_found" },
          { id: foreign, outcome: "not_found" },
          { id: "00000000-0000-4000-8000-000000000000", outcome: "not_found" },
        ],
      },
    ]);
    expect(changed.toSorted()).toEqual([second, inBlue].toSorted());
    expect((await web.ask(`/api/v1/servers/${inBlue}`, { token })).body.tags).toEqual(["prod", "kept", "new"]);
    expect((await web.ask(`/api/v1/servers/${inRed}`, { token: admin })).body.tags).toEqual(["prod", "r"]);
    const [audit] = await web.ctx
      .sql`select before, after from audit_log where target_id = ${inBlue} and action = 'servers.update' order by sequence desc limit 1`;
    expect(audit).toEqual({ before: { tags: ["prod", "b"] }, after: { tags: ["prod", "kept", "new"] } });
    const events = await web.ctx.sql`select subject_id from events where type = 'server.updated' and data->'after'->'tags' ? 'new'`;
    expect(events.map(({ subject_id }) => subject_id as string).toSorted()).toEqual([second, inBlue].toSorted());
    expect((await bulk({ ids: [inBlue], groupId: red })).status).toBe(403);
    expect((await bulk({ ids: [inBlue], groupId: teams })).status).toBe(422);
    expect((await bulk({ ids: [inBlue], groupId: null })).status).toBe(403);
    const moved = await bulk({ ids: [inBlue, inRed, ungrouped], groupId: teams }, admin);
    expect(moved.body.changed).toBe(3);
    expect(await names(token)).toEqual(["blue-2", "blue-3"]);
    await bulk({ ids: [inBlue], groupId: blue }, admin);
    await bulk({ ids: [inRed], groupId: red }, admin);
    await bulk({ ids: [ungrouped], groupId: null }, admin);
  });

  it("let go of who watches when a server leaves their reach", async () => {
    const token = await tokenWith(web, { role: "view", group: blue });
    const id = await groupedServer(web, "watched", blue);
    const socket = new WebSocket(`${web.origin.replace("http", "ws")}/api/v1/live`, { headers: { authorization: `Bearer ${token}` } });
    const received: LiveServerMessage[] = [];
    socket.on("message", (data: Buffer) => received.push(JSON.parse(data.toString()) as LiveServerMessage));
    await once(socket, "open");
    for (const topic of ["servers", `server:${id}`]) socket.send(JSON.stringify({ type: "subscribe", topic }));
    await expect.poll(() => received.filter(({ type }) => type === "subscribed").length).toBe(2);
    const changed = () => received.flatMap((message) => (message.type === "servers" ? [message] : []));
    await patch(admin, id, { tags: ["seen"] });
    await expect
      .poll(() => changed().flatMap((message) => message.changed.map(({ tags }) => tags)), { timeout: 60_000 })
      .toEqual([["seen"]]);
    await patch(admin, id, { groupId: red, tags: ["secret"] });
    await expect.poll(() => changed().flatMap(({ removed }) => removed), { timeout: 60_000 }).toEqual([id]);
    await expect.poll(() => received.find(({ type }) => type === "refused")).toMatchObject({ topic: `server:${id}`, code: "not_found" });
    web.ctx.bus.emit("live.frame", { type: "frame", serverId: id, timeMs: 1, rows: [] });
    // Whatever was sent before this answer has arrived with it.
    socket.send(JSON.stringify({ type: "ping" }));
    await expect.poll(() => received.some(({ type }) => type === "pong")).toBe(true);
    expect(received.some(({ type }) => type === "frame")).toBe(false);
    expect(JSON.stringify(received)).not.toContain("secret");
    socket.terminate();
  });
});
