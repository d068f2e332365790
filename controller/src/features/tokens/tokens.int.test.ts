import { roles } from "@devflow/api";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { testContext } from "../../testing/context.ts";
import { testWeb, type TestWeb } from "../../testing/web.ts";
import { createTokenFinder } from "./find-token.ts";
import { ensureBootstrapToken } from "./ensure-bootstrap-token.ts";

describe("API tokens", () => {
  let web: TestWeb;
  let cookie: string;
  beforeAll(async () => {
    web = await testWeb();
    cookie = await web.signIn();
  });
  afterAll(() => web.close());

  const create = (json: object, as: { cookie?: string; token?: string } = { cookie }) =>
    web.ask("/api/v1/tokens", { method: "POST", ...as, json });
  const status = (token: string) => web.ask("/api/v1/me", { token }).then((answer) => answer.status);

  it("work at once, do what they were made for, and are written down", async () => {
    const { body } = await create({ name: "ci", role: "edit", expiresInDays: 30 });
    expect((await web.ask("/api/v1/me", { token: body.secret })).body).toMatchObject({ kind: "token", user: null, role: "edit" });
    expect(body.token).toMatchObject({ name: "ci", role: "edit", revokedAt: null, prefix: body.secret.slice(0, 18) });
    expect(Date.parse(body.token.expiresAt) - Date.parse(body.token.createdAt)).toBe(30 * 86_400_000);
    const [audit] = await web.ctx
      .sql`select actor_name, after from audit_log where action = 'tokens.create' and target_id = ${body.token.id}`;
    expect(audit).toMatchObject({
      actor_name: "anna@example.com",
      after: { name: "ci", grants: [{ role: "edit", scopeKind: "organization" }] },
    });
    expect(await web.ctx.sql`select 1 from events where type = 'token.created' and subject_id = ${body.token.id}`).toHaveLength(1);
  });

  it("show their secret once and store only its hash", async () => {
    const { body } = await create({ name: "hidden", role: "view" });
    const list = await web.ask("/api/v1/tokens", { cookie });
    expect(JSON.stringify(list.body)).not.toContain(body.secret);
    expect(JSON.stringify(await web.ctx.sql`select * from api_tokens`)).not.toContain(body.secret);
  });

  it("never do more than their maker may, now or later", async () => {
    const admin = await web.token("admin");
    expect((await create({ name: "up", role: "owner" }, { token: admin })).status).toBe(403);
    expect((await create({ name: "same", role: "admin" }, { token: admin })).status).toBe(201);

    const { body } = await create({ name: "later", role: "owner" });
    await web.ctx.sql`update grants set role = 'view' where principal_kind = 'user'`;
    const [user] = await web.ctx.sql`select id from users`;
    web.ctx.bus.emit("principal.revoked", { kind: "user", id: user!["id"] });
    expect((await web.ask("/api/v1/me", { token: body.secret })).body.role).toBe("view");
    // Removed from the organisation: the token ends with its maker's membership.
    const [kept] = await web.ctx.sql`delete from memberships returning organization_id`;
    web.ctx.bus.emit("principal.revoked", { kind: "user", id: user!["id"] });
    expect((await web.ask("/api/v1/me", { token: body.secret })).status).toBe(401);
    await web.ctx.sql`insert into memberships (organization_id, user_id) values (${kept!["organization_id"]}, ${user!["id"]})`;
    await web.ctx.sql`update grants set role = 'owner' where principal_kind = 'user'`;
    web.ctx.bus.emit("principal.revoked", { kind: "user", id: user!["id"] });
  });

  it("end at once when they are revoked, and at their date", async () => {
    const { body } = await create({ name: "gone", role: "view" });
    expect(await status(body.secret)).toBe(200);
    expect((await web.ask(`/api/v1/tokens/${body.token.id}`, { method: "DELETE", cookie })).status).toBe(204);
    expect(await status(body.secret)).toBe(401);
    expect((await web.ask(`/api/v1/tokens/${body.token.id}`, { method: "DELETE", cookie })).status).toBe(204);

    const old = (await create({ name: "old", role: "view", expiresInDays: 1 })).body;
    await web.ctx.sql`update api_tokens set expires_at = now() - interval '1 second' where id = ${old.token.id}`;
    expect(await status(old.secret)).toBe(401);
  });

  it("stronger than whoever asks are not theirs to revoke", async () => {
    const { body } = await create({ name: "owner", role: "owner" });
    expect((await web.ask(`/api/v1/tokens/${body.token.id}`, { method: "DELETE", token: await web.token("admin") })).status).toBe(403);
    expect(await status(body.secret)).toBe(200);
  });

  it("are listed by pages without a gap or a double, one organisation's only", async () => {
    for (let i = 0; i < 7; i++) await create({ name: `page ${i}`, role: "view" });
    const stranger = await web.token("owner", await web.organization());
    const all: string[] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const { body }: { body: { items: { id: string }[]; nextCursor: string | null } } = await web.ask(
        `/api/v1/tokens?limit=3${cursor === "" ? "" : `&cursor=${cursor}`}`,
        { cookie },
      );
      expect(body.items.length).toBeLessThanOrEqual(3);
      all.push(...body.items.map(({ id }) => id));
      cursor = body.nextCursor;
    }
    const [expected] = await web.ctx.sql<
      { n: number }[]
    >`select count(*)::int as n from api_tokens where organization_id = ${web.ctx.installation.defaultOrganizationId}`;
    expect([all.length, new Set(all).size]).toEqual([expected!.n, expected!.n]);
    expect((await web.ask("/api/v1/tokens", { token: stranger })).body.items).toHaveLength(1);
  });

  it("note when they were used last", async () => {
    const { body } = await create({ name: "used", role: "view" });
    const finder = createTokenFinder(web.ctx);
    await finder.find(body.secret, "192.0.2.7");
    await finder.find("devflow_api_unknown", "192.0.2.8");
    await finder.flush();
    const read = () => web.ctx.sql`select last_used_at, last_used_address from api_tokens where id = ${body.token.id}`;
    const [first] = await read();
    expect(first).toMatchObject({ last_used_at: expect.any(Date), last_used_address: "192.0.2.7" });
    // Within the same minute it is not written again.
    await finder.find(body.secret, "192.0.2.9");
    await finder.close();
    expect((await read())[0]).toEqual(first);
  });

  it("of every role may see who they are", async () => {
    for (const role of roles) expect((await web.ask("/api/v1/me", { token: await web.token(role) })).body.role).toBe(role);
  });
});

describe("DEVFLOW_BOOTSTRAP_TOKEN", () => {
  it("is made once, stays revoked, and replaces the one of an earlier value", async () => {
    const ctx = await testContext({ config: { bootstrapToken: "a".repeat(32) } });
    const live = () => ctx.sql<{ sha256: string }[]>`select sha256 from api_tokens where revoked_at is null`;
    expect([await ensureBootstrapToken({ ctx }), await ensureBootstrapToken({ ctx })]).toEqual([true, false]);
    const before = await live();
    expect(await ensureBootstrapToken({ ctx: { ...ctx, config: { ...ctx.config, bootstrapToken: "b".repeat(32) } } })).toBe(true);
    const after = await live();
    expect([before.length, after.length]).toEqual([1, 1]);
    expect(after[0]).not.toEqual(before[0]);
    await ctx.sql`update api_tokens set revoked_at = now()`;
    expect(await ensureBootstrapToken({ ctx: { ...ctx, config: { ...ctx.config, bootstrapToken: "b".repeat(32) } } })).toBe(false);
    expect(await live()).toEqual([]);
    await ctx.close();
  });
});
