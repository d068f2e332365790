import type { Tag } from "@devflow/api";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { testGroup, tokenWith } from "../../../testing/access.ts";
import { testWeb, type TestWeb } from "../../../testing/web.ts";

describe("tags", () => {
  let web: TestWeb;
  let edit: string;
  let group: string;
  let foreignServer: string;
  beforeAll(async () => {
    web = await testWeb();
    edit = await web.token("edit");
    group = await testGroup(web, "Some");
    const { sql, installation } = web.ctx;
    await sql`insert into servers (organization_id, name, hostname, tags)
      select ${installation.defaultOrganizationId}, 's-' || n, 'h', case when n % 4 = 0 then array['a', 'old', 'new', 'z'] else array['old', 'z'] end
      from generate_series(1, 1000) n`;
    foreignServer = await web.server({ organizationId: await web.organization() });
    await sql`update servers set tags = array['old'] where id = ${foreignServer}`;
  });
  afterAll(() => web.close());

  const list = async (token = edit) => (await web.ask("/api/v1/tags", { token })).body.items as Tag[];
  const change = (method: string, name: string, json?: unknown, token = edit) =>
    web.ask(`/api/v1/tags?name=${encodeURIComponent(name)}`, { method, token, ...(json === undefined ? {} : { json }) });
  const tagsOf = async () =>
    (
      await web.ctx.sql<{ tags: string; n: number }[]>`
      select array_to_string(tags, ',') as tags, count(*)::int as n from servers where id <> ${foreignServer} group by 1 order by 1`
    ).map(({ tags, n }) => [tags, n]);

  it("have colours and descriptions, also before a server has them", async () => {
    const make = (json: unknown, token = edit) => web.ask("/api/v1/tags", { method: "POST", token, json });
    expect((await make({ name: "rack:4/a", color: "teal", description: "Hall 2" })).body).toEqual({
      name: "rack:4/a",
      color: "teal",
      description: "Hall 2",
      servers: 0,
    });
    expect((await make({ name: "rack:4/a" })).status).toBe(409);
    for (const bad of [{ name: "a,b" }, { name: "x", color: "red; drop" }, { name: "" }, { name: "x".repeat(51) }, { color: "blue" }])
      expect([bad, (await make(bad)).status]).toEqual([bad, 422]);
    expect((await make({ name: "x" }, await web.token("deploy"))).status).toBe(403);
    expect((await list()).map(({ name, servers }) => [name, servers])).toEqual([
      ["a", 250],
      ["new", 250],
      ["old", 1000],
      ["rack:4/a", 0],
      ["z", 1000],
    ]);
    // Who sees a part learns of no tag that is elsewhere.
    expect(await list(await tokenWith(web, { role: "edit", group }))).toEqual([]);
    expect((await change("PATCH", "old", { color: "blue" }, await tokenWith(web, { role: "edit", group }))).status).toBe(403);
  });

  it("are renamed on a thousand servers at once, and become one with a tag that is there", async () => {
    const changed = new Set<string>();
    const off = web.ctx.bus.on("server.changed", ({ serverId }) => void changed.add(serverId));
    const fresh = await change("PATCH", "old", { name: "older" });
    expect([fresh.status, fresh.body]).toEqual([
      200,
      { tag: { name: "older", color: "grey", description: "", servers: 1000 }, servers: 1000 },
    ]);
    off();
    expect(changed.size).toBe(1000);
    expect(await tagsOf()).toEqual([
      ["a,older,new,z", 250],
      ["older,z", 750],
    ]);
    await change("PATCH", "new", { color: "pink", description: "fresh" });
    const merged = await change("PATCH", "older", { name: "new" });
    expect(merged.body).toEqual({ tag: { name: "new", color: "pink", description: "fresh", servers: 1000 }, servers: 1000 });
    expect(await tagsOf()).toEqual([
      ["a,new,z", 250],
      ["new,z", 750],
    ]);
    expect((await change("PATCH", "older", { name: "x" })).status).toBe(404);
    expect((await change("PATCH", "new", { name: "two words" })).status).toBe(422);
    const [audit] = await web.ctx.sql`select before, after from audit_log where action = 'tags.update' and target_id = 'older'`;
    expect(audit).toMatchObject({ before: { name: "older" }, after: { name: "new", servers: 1000, merged: true } });
  });

  it("are deleted everywhere, in the organisation and no other", async () => {
    expect((await change("DELETE", "new")).body).toEqual({ tag: null, servers: 1000 });
    expect(await tagsOf()).toEqual([
      ["a,z", 250],
      ["z", 750],
    ]);
    expect((await change("DELETE", "new")).status).toBe(404);
    expect((await change("DELETE", "old")).status).toBe(404);
    const [foreign] = await web.ctx.sql`select tags from servers where id = ${foreignServer}`;
    expect(foreign).toEqual({ tags: ["old"] });
  });
});
