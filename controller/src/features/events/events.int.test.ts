import { randomUUID } from "node:crypto";
import type { Event, TimeCounts } from "@devflow/api";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newTokenSecret, tokenHash } from "../tokens/secret.ts";
import { testWeb, type TestWeb } from "../../testing/web.ts";
import { deleteOldEvents } from "./retention.ts";

describe("events", () => {
  let web: TestWeb;
  let admin: string;
  let organizationId: string;
  beforeAll(async () => {
    web = await testWeb();
    admin = await web.token("admin");
    organizationId = web.ctx.installation.defaultOrganizationId;
  });
  afterAll(() => web.close());

  const list = async (query = "", token = admin) =>
    (await web.ask(`/api/v1/events${query}`, { token })).body as { items: Event[]; nextCursor: string | null };
  const write = (type: string, subjectName: string, values: { groupId?: string | null; at?: string; organizationId?: string } = {}) =>
    web.ctx
      .sql`insert into events (organization_id, type, at, actor_kind, actor_id, actor_name, subject_kind, subject_id, subject_name, group_id, data)
      values (${values.organizationId ?? organizationId}, ${type}, ${values.at ?? new Date().toISOString()}::text::timestamptz, 'system', 'system', 'DevFlow', 'server',
        ${randomUUID()}, ${subjectName}, ${values.groupId ?? null}, '{}')`;
  /** A token whose role counts for one group or team only. */
  const partToken = async (scopeKind: "group" | "team", scopeId: string) => {
    const secret = newTokenSecret();
    const id = randomUUID();
    await web.ctx
      .sql`insert into api_tokens (id, organization_id, name, prefix, sha256) values (${id}, ${organizationId}, 'part', 'devflow_api_', ${tokenHash(secret)})`;
    await web.ctx.sql`insert into grants (organization_id, principal_kind, principal_id, role, scope_kind, scope_id)
      values (${organizationId}, 'token', ${id}, 'view', ${scopeKind}, ${scopeId})`;
    return secret;
  };

  it("are written with the change that they tell of, and by whom", async () => {
    const id = await web.server({ name: "before" });
    await web.ask(`/api/v1/servers/${id}`, { method: "PATCH", token: admin, json: { name: "after" } });
    await web.ask(`/api/v1/servers/${id}`, { method: "PATCH", token: admin, json: { name: "after" } });
    await web.ask(`/api/v1/servers/${id}/revoke`, { method: "POST", token: admin });
    await web.ask(`/api/v1/servers/${id}`, { method: "DELETE", token: admin });
    const { items } = await list(`?subjectKind=server&subjectId=${id}`);
    expect(items.map(({ type, subject, data }) => [type, subject.name, data])).toEqual([
      ["server.deleted", "after", {}],
      ["server.revoked", "after", {}],
      ["server.updated", "after", { before: { name: "before" }, after: { name: "after" } }],
    ]);
    expect(items[0]!.actor).toMatchObject({ kind: "token", name: "admin" });

    const made = await web.ask("/api/v1/tokens", { method: "POST", token: admin, json: { name: "ci", role: "view" } });
    await web.ask(`/api/v1/tokens/${made.body.token.id}`, { method: "DELETE", token: admin });
    await web.ask(`/api/v1/tokens/${made.body.token.id}`, { method: "DELETE", token: admin });
    const invite = await web.ask("/api/v1/enrolment-tokens", { method: "POST", token: admin, json: { name: "rack 4" } });
    await web.ask(`/api/v1/enrolment-tokens/${invite.body.token.id}`, { method: "DELETE", token: admin });
    const others = await list("?types=token.created,token.revoked,enrolment-token.created,enrolment-token.revoked");
    expect(others.items.map(({ type, subject }) => [type, subject.name])).toEqual([
      ["enrolment-token.revoked", "rack 4"],
      ["enrolment-token.created", "rack 4"],
      ["token.revoked", "ci"],
      ["token.created", "ci"],
    ]);
    expect(JSON.stringify(others)).not.toContain(made.body.secret);
    expect(JSON.stringify(others)).not.toContain(invite.body.secret);
  });

  it("come newest first, by pages without a gap or a double, filtered", async () => {
    for (let n = 0; n < 25; n++)
      await write(n % 2 ? "server.online" : "server.offline", `p${n}`, { at: `2099-01-01T00:${String(n).padStart(2, "0")}:00Z` });
    const names: string[] = [];
    const within = "from=2099-01-01T00:00:00Z&to=2099-01-01T00:20:00Z&types=server.online&limit=4";
    for (let cursor: string | null = ""; cursor !== null;) {
      const page: { items: Event[]; nextCursor: string | null } = await list(`?${within}${cursor && `&cursor=${cursor}`}`);
      names.push(...page.items.map(({ subject }) => subject.name));
      cursor = page.nextCursor;
    }
    expect(names).toEqual(["p19", "p17", "p15", "p13", "p11", "p9", "p7", "p5", "p3", "p1"]);
    const counts = async (query: string) => (await web.ask(`/api/v1/events/counts?${query}`, { token: admin })).body;
    expect((await counts("from=2099-01-01T00:10:00Z&to=2099-01-01T00:20:00Z&types=server.online")).items).toEqual([
      { at: "2099-01-01T00:00:00.000Z", kind: "server.online", count: 10 },
    ]);
    expect(await counts("from=2099-01-01T01:00:00Z&to=2099-01-01T03:30:00Z")).toEqual({
      from: "2099-01-01T01:00:00.000Z",
      to: "2099-01-01T03:30:00.000Z",
      stepSeconds: 3600,
      items: [],
    });
    expect((await counts("from=2099-01-02T00:00:00Z&to=2099-01-01T00:00:00Z")).status).toBe(422);
    for (const bad of ["types=server.exploded", "cursor=abc", "from=yesterday", "limit=0"])
      expect([bad, (await web.ask(`/api/v1/events?${bad}`, { token: admin })).status]).toEqual([bad, 422]);
  });

  it("are seen within reach only: a group's by who has the group, a team's by who has the team, others by nobody with a part", async () => {
    const [team] = await web.ctx.sql<
      { id: string }[]
    >`insert into teams (organization_id, name) values (${organizationId}, 'Ops') returning id`;
    const group = async (name: string, teamId: string | null = null) => {
      const [row] = await web.ctx.sql<
        { id: string }[]
      >`insert into server_groups (organization_id, name, team_id) values (${organizationId}, ${name}, ${teamId}) returning id`;
      return row!.id;
    };
    const [mine, ofTeam, other] = [await group("mine"), await group("of team", team!.id), await group("other")];
    await write("server.online", "in mine", { groupId: mine });
    await write("server.online", "in team's", { groupId: ofTeam });
    await write("server.online", "in other", { groupId: other });
    await write("server.online", "in none");
    const foreign = await web.organization();
    await write("server.online", "foreign", { organizationId: foreign });

    const seen = async (token: string) =>
      (await list("?types=server.online&limit=500", token)).items
        .map(({ subject }) => subject.name)
        .filter((name) => /^in |^foreign/.test(name));
    expect(await seen(admin)).toEqual(["in none", "in other", "in team's", "in mine"]);
    expect(await seen(await partToken("group", mine))).toEqual(["in mine"]);
    expect(await seen(await partToken("team", team!.id))).toEqual(["in team's"]);
    expect(await seen(await web.token("view", foreign))).toEqual(["foreign"]);
    expect((await list("", await partToken("group", mine))).items.every(({ subject }) => subject.name === "in mine")).toBe(true);
    const counted = async (token: string) =>
      ((await web.ask("/api/v1/events/counts?from=2098-01-01T00:00:00Z&to=2098-01-02T00:00:00Z", { token })).body as TimeCounts).items;
    for (const [groupId, at] of [
      [mine, "2098-01-01T00:00:00.000Z"],
      [null, "2098-01-01T05:59:59.000Z"],
    ] as const)
      await write("server.online", "counted", { groupId, at });
    const [first, second] = [
      { at: "2098-01-01T00:00:00.000Z", kind: "server.online", count: 1 },
      { at: "2098-01-01T05:00:00.000Z", kind: "server.online", count: 1 },
    ];
    expect(await counted(admin)).toEqual([first, second]);
    expect(await counted(await partToken("group", mine))).toEqual([first]);
    expect(await counted(await web.token("view", foreign))).toEqual([]);
  });

  it("leave after the days that the installation's administrator settles", async () => {
    const cookie = await web.signIn();
    const path = "/api/v1/settings/event-retention";
    expect((await web.ask(path, { token: admin })).status).toBe(403);
    expect((await web.ask(path, { cookie })).body).toEqual({ days: 90 });
    await web.ctx
      .sql`update events set at = now() - interval '40 days' where sequence in (select sequence from events order by sequence limit 3)`;
    expect(await deleteOldEvents({ ctx: web.ctx })).toBe(0);
    expect((await web.ask(path, { method: "PUT", cookie, json: { days: 0 } })).status).toBe(422);
    expect((await web.ask(path, { method: "PUT", cookie, json: { days: 30 } })).body).toEqual({ days: 30 });
    const [told] = await web.ctx.sql`select before, after from audit_log where target_kind = 'setting' and target_id = 'event-retention'`;
    expect(told).toEqual({ before: { days: 90 }, after: { days: 30 } });
    const [before] = await web.ctx.sql`select count(*)::int as n from events`;
    expect(await deleteOldEvents({ ctx: web.ctx })).toBeGreaterThanOrEqual(3);
    const [after] = await web.ctx.sql`select count(*)::int as n, min(at) > now() - interval '30 days' as young from events`;
    expect([after!["n"] < before!["n"], after!["young"]]).toEqual([true, true]);
  });
});
