import type { Server } from "@devflow/api";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { testWeb, type TestWeb } from "../../testing/web.ts";

describe("servers over HTTP", () => {
  let web: TestWeb;
  let view: string;
  let admin: string;
  beforeAll(async () => {
    web = await testWeb();
    view = await web.token("view");
    admin = await web.token("admin");
    const organization = web.ctx.installation.defaultOrganizationId;
    // 60 servers: every third is online, every fifth has no values yet, names in mixed case.
    await web.ctx.sql`
      insert into servers (organization_id, name, hostname, os_name, first_connected_at)
      select ${organization}, case when n % 2 = 0 then 'Node-' else 'node-' end || lpad(n::text, 2, '0'), 'h' || n, 'Debian 12', case when n % 4 = 0 then null else now() end
      from generate_series(0, 59) n`;
    await web.ctx.sql`
      insert into agent_sessions (server_id, gateway_id, epoch, boot_id, spool_id, address)
      select id, gen_random_uuid(), 1, 'b', 's', '198.51.100.' || server_no from servers where server_no % 3 = 0`;
    await web.ctx.sql`
      insert into server_latest (server_no, time, cpu_percent, memory_used_bytes, memory_total_bytes, disk_used_percent)
      select server_no, now(), server_no % 7, server_no * 1000000, 100000000, (server_no * 37) % 100 from servers where server_no % 5 <> 0`;
    await web.server({ organizationId: await web.organization(), name: "node-foreign" });
  });
  afterAll(() => web.close());

  const list = async (query: string) =>
    (await web.ask(`/api/v1/servers${query}`, { token: view })).body as { items: Server[]; nextCursor: string | null };
  const whole = async (query: string, limit = 7) => {
    const items: Server[] = [];
    for (let cursor: string | null = ""; cursor !== null;) {
      const page: { items: Server[]; nextCursor: string | null } = await list(
        `?limit=${limit}&${query}${cursor === "" ? "" : `&cursor=${cursor}`}`,
      );
      items.push(...page.items);
      cursor = page.nextCursor;
    }
    return items;
  };

  it("come in every order by pages without a gap or a double", async () => {
    const valueOf: Record<string, (s: Server) => number | null | undefined> = {
      cpu: (s) => s.latest?.cpuPercent,
      memory: (s) => s.latest?.memoryUsedBytes,
      disk: (s) => s.latest?.diskUsedPercent,
    };
    for (const sort of ["name", "-name", "cpu", "-cpu", "memory", "-memory", "disk", "-disk", "state"]) {
      const items = await whole(`sort=${sort}`);
      expect([sort, items.length, new Set(items.map(({ id }) => id)).size]).toEqual([sort, 60, 60]);
      const value = valueOf[sort.replace("-", "")];
      if (value === undefined) continue;
      const values = items.map((s) => value(s) ?? null);
      const known = values.filter((v) => v !== null);
      expect([sort, values]).toEqual([
        sort,
        [...known.toSorted((a, b) => (sort.startsWith("-") ? b - a : a - b)), ...values.filter((v) => v === null)],
      ]);
      expect(known.length).toBe(48);
    }
    const names = (await whole("sort=name")).map(({ name }) => name.toLowerCase());
    expect(names).toEqual(names.toSorted((a, b) => (a < b ? -1 : 1)));
  });

  it("refuse a cursor of another order", async () => {
    const { nextCursor } = await list("?limit=2&sort=cpu");
    expect((await web.ask(`/api/v1/servers?sort=-cpu&cursor=${nextCursor}`, { token: view })).status).toBe(422);
  });

  it("are found by name, host name, system and address, and by state", async () => {
    expect((await whole("search=NODE-0")).length).toBe(10);
    expect((await whole("search=h59")).map(({ name }) => name)).toEqual(["node-59"]);
    expect((await whole("search=debian%2012")).length).toBe(60);
    expect((await whole("search=198.51.100.30")).length).toBe(1);
    const states = await Promise.all(
      ["online", "offline", "pending", "revoked", "quarantined"].map(async (state) => [state, (await whole(`state=${state}`)).length]),
    );
    const all = await whole("");
    for (const [state, count] of states) expect([state, count]).toEqual([state, all.filter((s) => s.state === state).length]);
    expect(states.reduce((sum, [, count]) => sum + Number(count), 0)).toBe(60);
    expect(Object.fromEntries(states)).toMatchObject({ online: 20, revoked: 0 });
  });

  it("are summed up for the organisation", async () => {
    const { body } = await web.ask("/api/v1/servers/summary", { token: view });
    expect(body).toMatchObject({ total: 60, online: 20 });
    expect(body.cpuMedianPercent).toBeGreaterThanOrEqual(0);
    expect(body.diskWorstServerId).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("are renamed by editors, with an audit row, once they give a real name", async () => {
    const id = await web.server({ name: "before" });
    const rename = (name: string, token: string) => web.ask(`/api/v1/servers/${id}`, { method: "PATCH", token, json: { name } });
    expect((await rename("after", view)).status).toBe(403);
    for (const bad of ["", "  ", "<b>", "a\nb", "x".repeat(101), "$(reboot)"])
      expect([bad, (await rename(bad, admin)).status]).toEqual([bad, 422]);
    const changes: unknown[] = [];
    const off = web.ctx.bus.on("server.changed", (event) => changes.push(event));
    const renamed = await rename(" after-1 ", admin);
    off();
    expect([renamed.status, renamed.body.name]).toEqual([200, "after-1"]);
    expect(changes).toEqual([{ organizationId: web.ctx.installation.defaultOrganizationId, serverId: id }]);
    const audit = await web.ctx
      .sql`select outcome, before, after, actor_kind, address, request_id from audit_log where action = 'servers.update' and target_id = ${id}`;
    expect(audit).toEqual([
      {
        outcome: "done",
        before: { name: "before" },
        after: { name: "after-1" },
        actor_kind: "token",
        address: "127.0.0.1",
        request_id: renamed.headers.get("x-request-id"),
      },
    ]);
  });

  it("are revoked and deleted by administrators", async () => {
    const id = await web.server({ name: "leaving" });
    const events: string[] = [];
    const offs = [
      web.ctx.bus.on("server.revoked", ({ reason }) => events.push(reason)),
      web.ctx.bus.on("server.removed", ({ serverId }) => events.push(serverId)),
    ];
    expect((await web.ask(`/api/v1/servers/${id}/revoke`, { method: "POST", token: admin })).body).toMatchObject({ id, state: "revoked" });
    expect((await web.ask(`/api/v1/servers/${id}`, { method: "DELETE", token: admin })).status).toBe(204);
    offs.forEach((off) => off());
    expect(events).toEqual(["revoked", "deleted", id]);
    expect((await web.ask(`/api/v1/servers/${id}`, { token: admin })).status).toBe(404);
    expect(await web.ctx.sql`select action from audit_log where target_id = ${id} order by sequence`).toEqual([
      { action: "servers.revoke" },
      { action: "servers.delete" },
    ]);
  });

  it("tell their inventory once they reported it", async () => {
    const id = await web.server();
    expect((await web.ask(`/api/v1/servers/${id}/inventory`, { token: view })).status).toBe(404);
    const facts = {
      hostname: "h",
      osName: "Debian 12",
      osId: "debian",
      osVersion: "12",
      kernel: "6.1",
      architecture: "x86_64",
      virtualization: "kvm",
      cpuModel: "EPYC",
      cpuThreads: 2,
      cpuCores: 1,
      memoryBytes: 1,
      swapBytes: 0,
      bootTime: new Date(0).toISOString(),
      blockDevices: [],
      filesystems: [],
      interfaces: [],
      timeZone: "UTC",
      init: "systemd",
      cloud: "",
      product: "",
      rebootRequired: false,
      listeningPorts: [],
      runtimeVersion: "24",
      gpus: [],
      memoryModules: [],
      chassis: "",
      hasBattery: false,
      updatesPending: null,
      securityUpdatesPending: 3,
    };
    await web.ctx
      .sql`insert into inventories (server_id, organization_id, facts) values (${id}, ${web.ctx.installation.defaultOrganizationId}, ${web.ctx.sql.json({ ...facts, secretFact: "x" })})`;
    const { body } = await web.ask(`/api/v1/servers/${id}/inventory`, { token: view });
    expect(body).toMatchObject({ ...facts, serverId: id });
    expect(body).not.toHaveProperty("secretFact");
  });

  it("note a refusal of somebody known, many times in one row", async () => {
    const id = await web.server();
    for (let i = 0; i < 5; i++) expect((await web.ask(`/api/v1/servers/${id}`, { method: "DELETE", token: view })).status).toBe(403);
    await web.refusals.flush();
    const rows = await web.ctx
      .sql`select after->>'count' as count from audit_log where outcome = 'refused' and action = 'delete /api/v1/servers/{id}'`;
    expect(rows).toEqual([{ count: "5" }]);
  });
});
