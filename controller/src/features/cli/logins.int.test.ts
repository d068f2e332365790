import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { adminEmail, adminPassword, testWeb, type TestWeb } from "../../testing/web.ts";

describe("the sign-in of a program", () => {
  let web: TestWeb;
  let cookie: string;
  /** What the clock shows beyond the real one. */
  let aheadMs = 0;
  beforeAll(async () => {
    web = await testWeb({}, {});
    cookie = await web.signIn();
    const real = web.ctx.clock.now.bind(web.ctx.clock);
    web.ctx.clock.now = () => real() + aheadMs;
  });
  afterAll(() => web.close());

  const path = "/api/v1/cli-logins";
  const post = (where: string, json: object, as: { cookie?: string; token?: string } = {}) =>
    web.ask(path + where, { method: "POST", json, ...as });
  const begin = async (json: object = {}) => {
    // Each from another window of the throttle, which has a test of its own.
    aheadMs += 16 * 60_000;
    cookie = await web.signIn();
    const { status, body } = await post("", { client: "devflow on laptop", ...json });
    expect(status).toBe(201);
    return body as { deviceCode: string; userCode: string; verificationUrl: string };
  };
  const find = (code: string, as: object = { cookie }) => web.ask(`${path}?code=${encodeURIComponent(code)}`, as);
  const answer = (userCode: string, change: object = {}) =>
    post("/confirm", { userCode, address: "127.0.0.1", name: "laptop", role: "view", expiresInDays: 30, ...change }, { cookie });
  const collect = (deviceCode: string) => post("/collect", { deviceCode });

  it("gives a token of the person who confirmed, once", async () => {
    const { deviceCode, userCode, verificationUrl } = await begin({ role: "edit" });
    expect(verificationUrl).toBe(`/cli-login?code=${userCode}`);
    expect(verificationUrl).not.toContain(deviceCode);
    expect((await collect(deviceCode)).body).toEqual({ state: "pending", intervalSeconds: 2 });
    expect((await find(userCode.toLowerCase().replace("-", " "))).body).toMatchObject({
      userCode,
      client: "devflow on laptop",
      address: "127.0.0.1",
      sameAddress: true,
      role: "edit",
    });
    expect((await answer(userCode)).status).toBe(204);
    const both = await Promise.all([collect(deviceCode), collect(deviceCode)]);
    expect(both.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 404]);
    const { token, secret } = both.find(({ status }) => status === 200)!.body;
    expect(token).toMatchObject({ name: "laptop", role: "view" });
    expect((await web.ask("/api/v1/me", { token: secret })).body).toMatchObject({ kind: "token", role: "view" });
    expect((await collect(deviceCode)).status).toBe(404);
    expect((await find(userCode)).status).toBe(404);
    const actions = await web.ctx.sql<{ action: string; name: string }[]>`
      select action, actor_name as name from audit_log where action in ('cli.confirm', 'tokens.create') order by sequence`;
    expect(actions).toEqual([
      { action: "cli.confirm", name: adminEmail },
      { action: "tokens.create", name: adminEmail },
    ]);
  });

  it("keeps neither code nor secret in the database", async () => {
    const { deviceCode, userCode } = await begin();
    await answer(userCode);
    const rows = JSON.stringify(await web.ctx.sql`select * from cli_logins`);
    expect(rows).toContain("devflow on laptop");
    expect([rows.includes(deviceCode), rows.includes(userCode), rows.includes("devflow_api_")]).toEqual([false, false, false]);
    const { secret } = (await collect(deviceCode)).body;
    expect(JSON.stringify(await web.ctx.sql`select * from api_tokens`)).not.toContain(secret);
  });

  it("is over when it was turned down, and after ten minutes", async () => {
    const denied = await begin();
    expect((await post("/deny", { userCode: denied.userCode }, { cookie })).status).toBe(204);
    expect((await collect(denied.deviceCode)).body.code).toBe("forbidden");
    expect((await answer(denied.userCode)).status).toBe(404);
    const late = await begin();
    await answer(late.userCode);
    aheadMs += 10 * 60_000 + 1;
    expect((await collect(late.deviceCode)).status).toBe(404);
  });

  it("is confirmed for the address that was shown, and for no stronger role", async () => {
    const { userCode, deviceCode } = await begin();
    expect((await answer(userCode, { address: "198.51.100.7" })).body.code).toBe("conflict");
    await web.ctx.sql`update grants set role = 'view' where principal_kind = 'user'`;
    web.ctx.bus.emit("principal.revoked", { kind: "user", id: (await web.ctx.sql`select id from users`)[0]!["id"] as string });
    expect((await answer(userCode, { role: "edit" })).body.code).toBe("forbidden");
    expect((await answer(userCode)).status).toBe(204);
    await web.ctx.sql`update grants set role = 'owner' where principal_kind = 'user'`;
    web.ctx.bus.emit("principal.revoked", { kind: "user", id: (await web.ctx.sql`select id from users`)[0]!["id"] as string });
    expect((await collect(deviceCode)).body.token.role).toBe("view");
  });

  it("gives nothing when whoever confirmed was removed meanwhile, and less when the role became weaker", async () => {
    const weaker = await begin();
    await answer(weaker.userCode, { role: "owner" });
    await web.ctx.sql`update grants set role = 'view' where principal_kind = 'user'`;
    expect((await collect(weaker.deviceCode)).body.token.role).toBe("view");
    await web.ctx.sql`update grants set role = 'owner' where principal_kind = 'user'`;
    const gone = await begin();
    await answer(gone.userCode);
    const [kept] = await web.ctx.sql`delete from grants where principal_kind = 'user' returning *`;
    expect((await collect(gone.deviceCode)).status).toBe(403);
    await web.ctx.sql`insert into grants ${web.ctx.sql(kept!)}`;
  });

  it("is a person's: no token confirms, and no other site", async () => {
    const { userCode } = await begin();
    const token = await web.token("owner");
    expect((await find(userCode, { token })).status).toBe(403);
    expect((await post("/confirm", { userCode, address: "127.0.0.1", name: "n", role: "view", expiresInDays: 1 }, { token })).status).toBe(
      403,
    );
    expect((await post("/deny", { userCode }, { token })).status).toBe(403);
    const foreign = await web.ask(`${path}/confirm`, { method: "POST", cookie, headers: { origin: "http://evil.example" }, json: {} });
    expect(foreign.status).toBe(403);
  });

  it("cannot be guessed, and cannot be begun without end", async () => {
    await begin();
    for (let i = 0; i < 10; i++) expect((await find("BBBB-BBBB")).status).toBe(404);
    const closed = await find("BBBB-BBBB");
    expect([closed.status, Number(closed.headers.get("retry-after")) > 600]).toEqual([429, true]);
    expect((await answer("CCCC-CCCC")).status).toBe(429);
    for (let i = 0; i < 60; i++) expect((await collect("x".repeat(43))).status).toBe(404);
    expect((await collect("x".repeat(43))).status).toBe(429);
    aheadMs += 16 * 60_000;
    for (let i = 0; i < 20; i++) expect((await post("", { client: "c" })).status).toBe(201);
    expect((await post("", { client: "c" })).status).toBe(429);
  });

  it("ends with the token, which any role may end for itself", async () => {
    const secret = await web.token("view");
    expect((await web.ask("/api/v1/me/token", { method: "DELETE", token: secret })).status).toBe(204);
    expect((await web.ask("/api/v1/me", { token: secret })).status).toBe(401);
    const session = await web.ask("/api/v1/session", { method: "POST", json: { email: adminEmail, password: adminPassword } });
    expect(session.status).toBe(200);
    expect((await web.ask("/api/v1/me/token", { method: "DELETE", cookie })).status).toBe(403);
  });
});
