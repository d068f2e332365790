import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { testWeb, type TestWeb } from "../../testing/web.ts";

describe("conditional requests", () => {
  let web: TestWeb;
  let token: string;
  beforeAll(async () => {
    web = await testWeb();
    token = await web.token("owner");
  });
  afterAll(() => web.close());

  const get = (path: string, headers: Record<string, string> = {}) => web.ask(path, { token, headers });
  const rename = (id: string, name: string, ifMatch?: string) =>
    web.ask(`/api/v1/servers/${id}`, {
      method: "PATCH",
      token,
      json: { name },
      headers: ifMatch === undefined ? {} : { "if-match": ifMatch },
    });

  it("answer 304 to who has it already, for things and lists", async () => {
    const id = await web.server();
    for (const path of [`/api/v1/servers/${id}`, "/api/v1/servers", "/api/v1/me"]) {
      const first = await get(path);
      const etag = first.headers.get("etag")!;
      expect([path, etag]).toEqual([path, expect.stringMatching(/^W\/"[\w.-]+"$/)]);
      const again = await get(path, { "if-none-match": etag });
      expect([path, again.status, again.body, again.headers.get("etag")]).toEqual([path, 304, "", etag]);
      expect(again.headers.get("x-request-id")).not.toBeNull();
    }
    const list = (await get("/api/v1/servers")).headers.get("etag")!;
    await rename(id, "another");
    expect((await get("/api/v1/servers", { "if-none-match": list })).status).toBe(200);
  });

  it("change nothing when somebody was faster, and go on with the tag of the change", async () => {
    const id = await web.server();
    const etag = (await get(`/api/v1/servers/${id}`)).headers.get("etag")!;
    const first = await rename(id, "first", etag);
    expect(first.status).toBe(200);
    const second = await rename(id, "second", etag);
    expect([second.status, second.body.code]).toEqual([412, "precondition_failed"]);
    expect((await get(`/api/v1/servers/${id}`)).body.name).toBe("first");
    expect((await rename(id, "third", first.headers.get("etag")!)).status).toBe(200);
    expect([(await rename(id, "fourth", "*")).status, (await rename(id, "fifth", '"nonsense"')).status]).toEqual([200, 412]);
  });

  it("are not disturbed by what changes by itself", async () => {
    const id = await web.server();
    const etag = (await get(`/api/v1/servers/${id}`)).headers.get("etag")!;
    await web.ctx.sql`update servers set round_trip_ms = 5 where id = ${id}`;
    expect((await get(`/api/v1/servers/${id}`, { "if-none-match": etag })).status).toBe(200);
    expect((await rename(id, "renamed", etag)).status).toBe(200);
  });

  it("let one of many writers with the same tag through", async () => {
    const id = await web.server();
    const etag = (await get(`/api/v1/servers/${id}`)).headers.get("etag")!;
    const statuses = await Promise.all(Array.from({ length: 12 }, async (_, i) => (await rename(id, `writer ${i}`, etag)).status));
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(statuses.filter((status) => status === 412)).toHaveLength(11);
  });

  it("tell nothing of what the caller may not see", async () => {
    const id = await web.server();
    const stranger = await web.token("owner", await web.organization());
    const answer = await web.ask(`/api/v1/servers/${id}`, {
      method: "PATCH",
      token: stranger,
      json: { name: "x" },
      headers: { "if-match": "*" },
    });
    expect(answer.status).toBe(404);
  });

  it("refuse a change of what no GET shows", async () => {
    const id = await web.server();
    const [made] = (await web.ask("/api/v1/tokens", { token })).body.items as { id: string }[];
    const answer = await web.ask(`/api/v1/tokens/${made!.id}`, { method: "DELETE", token, headers: { "if-match": "*" } });
    expect([answer.status, answer.body.code]).toEqual([412, "precondition_failed"]);
    expect((await get(`/api/v1/servers/${id}`)).status).toBe(200);
  });

  it("read what was changed through this controller at once, however many read", async () => {
    const id = await web.server({ name: "0-busy" });
    for (let round = 0; round < 5; round++) {
      await Promise.all(Array.from({ length: 30 }, () => get("/api/v1/servers")));
      await rename(id, `0-busy ${round}`);
      expect((await get("/api/v1/servers")).body.items.map(({ name }: { name: string }) => name)).toContain(`0-busy ${round}`);
    }
  });

  it("share busy answers within one organisation and one reach only", async () => {
    const other = await web.organization();
    await web.server({ organizationId: other, name: "theirs" });
    const stranger = await web.token("view", other);
    await Promise.all(Array.from({ length: 40 }, () => get("/api/v1/servers")));
    const names = (await web.ask("/api/v1/servers", { token: stranger })).body.items.map(({ name }: { name: string }) => name);
    expect(names).toEqual(["theirs"]);
    expect((await web.ask("/api/v1/servers?nonsense=1", { token })).status).toBe(422);
    expect((await web.ask("/api/v1/servers")).status).toBe(401);
  });
});
