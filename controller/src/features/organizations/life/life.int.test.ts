import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import type { TestContext } from "../../../testing/context.ts";
import type { TestWeb } from "../../../testing/web.ts";
import { everywhere, inOwnOrganization, makeGroup, makeTeam, type Person, person, told } from "../people.testkit.ts";
import { deleteDue, emptiedFirst } from "./delete-due.ts";
import { exported, notExported } from "./exported.ts";

const days = (n: number) => n * 86_400_000;

describe("an organisation", () => {
  let web: TestWeb;
  let org: string;
  let owner: Person;
  inOwnOrganization((made) => ({ web, org, owner } = made));

  const later = (ms: number): TestContext => ({ ...web.ctx, clock: { now: () => Date.now() + ms } });
  const plan = (who: Person, name = "Other") => who.ask("/api/v1/organization/deletion", { method: "POST", json: { name } });
  /** Tables that belong to organisations, but for partitions. */
  const ownTables = async () =>
    (
      await web.ctx.sql<{ name: string }[]>`
        select c.relname as name from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
        where a.attname = 'organization_id' and not a.attisdropped and c.relkind in ('r', 'p') and not c.relispartition and n.nspname = 'public'`
    ).map(({ name }) => name);

  it("is made by administrators of the installation, and by everybody when they say so; its maker owns it", async () => {
    const make = (who: Person) => who.ask("/api/v1/organizations", { method: "POST", json: { name: "Mine" } });
    expect((await make(owner)).status).toBe(403);
    expect((await owner.ask("/api/v1/organizations")).body.mayCreate).toBe(false);
    expect((await owner.ask("/api/v1/settings/organizations")).status).toBe(403);
    const cookie = await web.signIn();
    const json = { creation: "everybody", deletionGraceDays: 7 };
    expect((await web.ask("/api/v1/settings/organizations", { method: "PUT", cookie, json })).body).toEqual(json);
    const made = await make(owner);
    expect(made.status).toBe(201);
    const { body } = await owner.ask("/api/v1/organizations");
    expect(body.items.find(({ id }: { id: string }) => id === made.body.id)).toMatchObject({
      name: "Mine",
      role: "owner",
      active: false,
      members: 1,
    });
    await web.ask("/api/v1/settings/organizations", { method: "PUT", cookie, json: { ...json, creation: "administrators" } });
    const service = await web.token("owner", org);
    expect((await web.ask("/api/v1/organizations", { method: "POST", token: service, json: { name: "x" } })).status).toBe(403);
  });

  it("is changed for one session, and nothing of the other is there", async () => {
    const second = await web.organization();
    const ben = await person(web, { [org]: [{ role: "admin" }], [second]: [{ role: "view" }] });
    const server = await web.server({ organizationId: org });
    const other = await web.ask("/api/v1/session", { method: "POST", json: { email: ben.email, password: "a quiet afternoon outside" } });
    const otherCookie = other.headers
      .getSetCookie()
      .map((value) => value.split(";", 1)[0])
      .join("; ");
    expect((await ben.ask(`/api/v1/servers/${server}`)).status).toBe(200);
    expect((await ben.ask("/api/v1/session/organization", { method: "POST", json: { organizationId: second } })).status).toBe(204);
    expect((await ben.ask(`/api/v1/servers/${server}`)).status).toBe(404);
    expect((await ben.ask("/api/v1/me")).body).toMatchObject({ organization: { id: second }, role: "view" });
    expect((await ben.ask("/api/v1/invitations")).status).toBe(403);
    expect((await web.ask("/api/v1/me", { cookie: otherCookie })).body.organization.id).toBe(org);
    expect(
      (await ben.ask("/api/v1/session/organization", { method: "POST", json: { organizationId: await web.organization() } })).status,
    ).toBe(404);
    const token = await web.token("owner", org);
    expect((await web.ask("/api/v1/session/organization", { method: "POST", token, json: { organizationId: second } })).status).toBe(403);
  });

  it("is renamed by who may, and tells it", async () => {
    expect((await owner.ask("/api/v1/organization", { method: "PATCH", json: { name: "  Renamed " } })).status).toBe(204);
    expect((await owner.ask("/api/v1/me")).body.organization.name).toBe("Renamed");
    expect((await owner.ask("/api/v1/organization", { method: "PATCH", json: { name: "a\u0007b" } })).status).toBe(422);
    expect((await told(web, org)).events).toEqual(["organization.updated"]);
  });

  it("that will be deleted lets its owners in and nobody else, until that is taken back", async () => {
    const ben = await person(web, { [org]: [{ role: "admin" }] });
    const token = await web.token("admin", org);
    await web.ctx.sql`update api_tokens set created_by = ${ben.id} where organization_id = ${org}`;
    expect((await plan(ben)).status).toBe(403);
    expect((await plan(owner, "other")).status).toBe(422);
    expect((await web.ask("/api/v1/me", { token })).status).toBe(200);
    const planned = await plan(owner);
    expect(Math.abs(Date.parse(planned.body.deleteAfter) - Date.now() - days(7)) < 60_000).toBe(true);
    expect((await plan(owner)).body).toEqual(planned.body);
    expect([(await ben.ask("/api/v1/me")).status, (await web.ask("/api/v1/me", { token })).status]).toEqual([401, 401]);
    expect((await owner.ask("/api/v1/me")).body.organization.id).toBe(org);
    expect((await owner.ask("/api/v1/organizations")).body.items).toMatchObject([{ id: org, deleteAfter: planned.body.deleteAfter }]);
    expect(await deleteDue({ ctx: later(days(6)) })).toEqual([]);
    expect((await owner.ask("/api/v1/organization/deletion", { method: "DELETE" })).status).toBe(204);
    expect([(await ben.ask("/api/v1/me")).status, (await web.ask("/api/v1/me", { token })).status]).toEqual([200, 200]);
    expect(await deleteDue({ ctx: later(days(8)) })).toEqual([]);
    expect((await told(web, org)).events).toEqual(["organization.deletion-planned", "organization.deletion-cancelled"]);
  });

  it("that the installation began with stays", async () => {
    const cookie = await web.signIn();
    const answer = await web.ask("/api/v1/organization/deletion", { method: "POST", cookie, json: { name: "Default" } });
    expect(answer.status).toBe(409);
  });

  it("goes with everything in it when its time has come, and takes nothing else along", async () => {
    const elsewhere = await web.organization();
    const ben = await person(web, { [org]: [{ role: "edit" }], [elsewhere]: [{ role: "edit" }] });
    const { sql } = web.ctx;
    const serverNos: number[] = [];
    for (const organizationId of [org, elsewhere]) {
      const id = await web.server({ organizationId });
      await makeGroup(web, organizationId, await makeTeam(web, organizationId, [ben.id]));
      const [row] = await sql<{ no: number }[]>`select server_no as no from servers where id = ${id}`;
      serverNos.push(row!.no);
      await sql`insert into agent_identities (serial, server_id, organization_id, key_sha256, epoch, not_after) values (${id}, ${id}, ${organizationId}, ${id}, 1, now())`;
      await sql`insert into inventories (server_id, organization_id, facts) values (${id}, ${organizationId}, '{}')`;
      await sql`insert into metric_instances (server_no, family, instance_no, name) values (${row!.no}, 3, 1, '/')`;
      await sql`insert into metric_host_1h (server_no, instance_no, time, samples) values (${row!.no}, 0, now(), 1)`;
      await sql`insert into audit_log (organization_id, actor_kind, actor_id, actor_name, action, target_kind, target_id, outcome) values (${organizationId}, 'system', 'x', 'x', 'x', 'x', 'x', 'done')`;
      await web.token("view", organizationId);
    }
    await owner.ask("/api/v1/invitations", { method: "POST", json: { email: null, grants: [everywhere("view")] } });
    expect((await plan(owner)).status).toBe(200);
    const revoked: string[] = [];
    const off = web.ctx.bus.on("server.revoked", ({ serverId }) => void revoked.push(serverId));
    expect(await deleteDue({ ctx: later(days(8)) })).toEqual(["Other"]);
    off();
    expect(revoked).toHaveLength(1);
    for (const table of await ownTables()) {
      const [left] = await sql<{ n: number }[]>`select count(*)::int as n from ${sql(table)} where organization_id = ${org}`;
      expect([table, left!.n]).toEqual([table, 0]);
    }
    for (const [table, kept] of [
      ["metric_host_1h", 1],
      ["metric_instances", 1],
    ] as const) {
      const rows = await sql<{ no: number }[]>`select server_no as no from ${sql(table)} where server_no in ${sql(serverNos)}`;
      expect([table, rows.map(({ no }) => no)]).toEqual([table, Array(kept).fill(serverNos[1])]);
    }
    expect((await owner.ask("/api/v1/me")).status).toBe(401);
    expect((await ben.ask("/api/v1/me")).body.organization.id).toBe(elsewhere);
    expect((await ben.ask("/api/v1/servers")).body.items).toHaveLength(1);
  });

  it("has no table that holds its deletion up unknown", async () => {
    const rows = await web.ctx.sql<{ name: string }[]>`
      select distinct conrelid::regclass::text as name from pg_constraint
      where confrelid = 'organizations'::regclass and contype = 'f' and confdeltype not in ('c', 'n')`;
    const known = new Set(emptiedFirst.map((table) => String((table as never)[Symbol.for("drizzle:Name")])));
    expect(rows.map(({ name }) => name).filter((name) => !known.has(name))).toEqual([]);
  });

  it("is exported whole, without secrets, by who may", async () => {
    const server = await web.server({ organizationId: org, name: "db-1" });
    const [row] = await web.ctx.sql<{ no: number }[]>`select server_no as no from servers where id = ${server}`;
    await web.ctx.sql`insert into metric_host_1h (server_no, instance_no, time, samples) values (${row!.no}, 0, now(), 360)`;
    await web.server({ name: "of another one" });
    const secret = await web.token("view", org);
    const [token] = await web.ctx.sql<{ sha256: string }[]>`select sha256 from api_tokens where organization_id = ${org}`;
    const invited = await owner.ask("/api/v1/invitations", { method: "POST", json: { email: null, grants: [everywhere("view")] } });
    const response = await fetch(`${web.origin}/api/v1/organization/export`, { headers: { cookie: owner.cookie } });
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/gzip"]);
    expect(response.headers.get("content-disposition")).toMatch(/^attachment; filename="organization-\d{4}-\d\d-\d\d\.ndjson\.gz"$/);
    const text = gunzipSync(Buffer.from(await response.arrayBuffer())).toString();
    const lines = text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const of = (type: string) => lines.filter((line) => line["type"] === type);
    expect(of("organization")).toMatchObject([{ id: org, name: "Other" }]);
    expect(of("member")).toMatchObject([{ id: owner.id, email: owner.email }]);
    expect(of("server")).toMatchObject([{ id: server, name: "db-1" }]);
    expect(of("values")).toMatchObject([{ serverId: server, family: "host", resolution: "1h", samples: 360 }]);
    expect(of("event")).toMatchObject([{ kind: "member.invited" }]);
    expect(of("audit").map((line) => line["action"])).toContain("organizations.export");
    for (const hidden of [secret, token!.sha256, invited.body.link.split("#")[1], "of another one"]) expect(text).not.toContain(hidden);
    expect((await web.ask("/api/v1/organization/export", { token: await web.token("admin", org) })).status).toBe(403);
  });

  it("has no table that an export forgets, and exports no column of secrets", async () => {
    const known = new Set([...exported.map(({ table }) => table), ...Object.keys(notExported)]);
    expect((await ownTables()).filter((table) => !known.has(table))).toEqual([]);
    expect(
      exported.flatMap(({ columns }) => columns).filter((column) => /sha256|secret|sealed|wrapped|password|fingerprint/.test(column)),
    ).toEqual([]);
  });
});
