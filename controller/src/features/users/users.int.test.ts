import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { adminEmail, adminPassword, testWeb, type TestWeb } from "../../testing/web.ts";
import { completeSetup } from "./complete-setup.ts";
import { createSetupCode } from "./setup-code.ts";

describe("the first administrator", () => {
  let web: TestWeb;
  beforeAll(async () => (web = await testWeb({ adminEmail: null, adminPassword: null })));
  afterAll(() => web.close());
  const person = { name: "Anna", email: "Anna@Example.com", password: adminPassword };
  const setup = (code: string, change: object = {}) => web.ask("/api/v1/setup", { method: "POST", json: { ...person, code, ...change } });

  it("is made once, with the printed code only", async () => {
    expect((await web.ask("/api/v1/setup")).body).toEqual({ needed: true });
    expect((await setup("guess")).status).toBe(403);
    expect((await setup(web.setupCode!, { password: "short" })).status).toBe(422);
    const answers = await Promise.all([setup(web.setupCode!), setup(web.setupCode!, { email: "second@example.com" })]);
    expect(answers.map(({ status }) => String(status)).toSorted()).toEqual(["201", "409"]);
    const made = answers.find(({ status }) => status === 201)!;
    expect(made.body).toMatchObject({ kind: "user", role: "owner", organization: { name: "Default" } });
    const cookie = made.headers.getSetCookie()[0]!.split(";", 1)[0]!;
    expect((await web.ask("/api/v1/me", { cookie })).body).toEqual(made.body);
    expect((await web.ask("/api/v1/session", { cookie })).body).toEqual({ me: made.body });
    expect((await web.ask("/api/v1/session")).body).toEqual({ me: null });
    expect((await web.ask("/api/v1/setup")).body).toEqual({ needed: false });
    expect((await setup(web.setupCode!)).status).toBe(409);
    expect(await createSetupCode({ ctx: web.ctx })).toBeNull();
  });

  it("leaves no code and no password in the database", async () => {
    const rows = JSON.stringify([
      await web.ctx.sql`select * from verifications`,
      await web.ctx.sql`select * from accounts`,
      await web.ctx.sql`select * from audit_log`,
    ]);
    expect(rows).not.toContain(web.setupCode);
    expect(rows).not.toContain(adminPassword);
    expect(await web.ctx.sql`select action, actor_name from audit_log where action = 'users.create'`).toHaveLength(1);
  });
});

describe("a setup code", () => {
  let web: TestWeb;
  beforeAll(async () => (web = await testWeb({ adminEmail: null, adminPassword: null })));
  afterAll(() => web.close());
  const setup = (code: string) =>
    web.ask("/api/v1/setup", { method: "POST", json: { code, name: "A", email: "a@example.com", password: adminPassword } });

  it("is asked for before a password is hashed, so that strangers cannot keep the controller busy", async () => {
    let hashed = 0;
    const auth = { ...web.api.auth, hashPassword: async () => String(++hashed) };
    const input = { code: "wrong", name: "A", email: "a@example.com", password: adminPassword, caller: { address: null, userAgent: null } };
    await expect(completeSetup({ ctx: web.ctx, auth, input: { ...input, requestId: "r" } })).rejects.toThrow("This link is wrong");
    expect(hashed).toBe(0);
  });

  it("ends after a day, and when a later start makes another", async () => {
    await web.ctx.sql`update verifications set expires_at = now() - interval '1 second'`;
    expect((await setup(web.setupCode!)).status).toBe(403);
    const second = await createSetupCode({ ctx: web.ctx });
    const third = await createSetupCode({ ctx: web.ctx });
    expect((await setup(second!)).status).toBe(403);
    expect((await setup(third!)).status).toBe(201);
  });
});

describe("sessions", () => {
  let web: TestWeb;
  beforeAll(async () => (web = await testWeb()));
  afterAll(() => web.close());
  let cookie: string;
  beforeEach(async () => (cookie = await web.signIn()));
  const me = (use = cookie) => web.ask("/api/v1/me", { cookie: use }).then(({ status }) => status);
  const signIn = (json: object, headers: Record<string, string> = {}) => web.ask("/api/v1/session", { method: "POST", json, headers });

  it("say the same for a wrong password and an unknown e-mail", async () => {
    const wrong = await signIn({ email: adminEmail, password: "wrong" });
    const unknown = await signIn({ email: "nobody@example.com", password: "wrong" });
    expect([wrong.status, unknown.status]).toEqual([401, 401]);
    expect(wrong.body.detail).toBe(unknown.body.detail);
    expect(wrong.headers.getSetCookie()).toEqual([]);
  });

  it("may be many from one address: right passwords are not counted as wrong ones", async () => {
    const statuses: number[] = [];
    for (let i = 0; i < 22; i++) statuses.push((await signIn({ email: adminEmail, password: adminPassword })).status);
    expect(new Set(statuses)).toEqual(new Set([200]));
  });

  it("have cookies that scripts and other sites cannot use", async () => {
    const set = (await signIn({ email: adminEmail, password: adminPassword })).headers.getSetCookie();
    expect(set).toHaveLength(1);
    expect(set[0]).toMatch(/^devflow\.session_token=.*; HttpOnly; SameSite=Lax$/);
  });

  it("end at sign-out at once, for a copied cookie too", async () => {
    expect(await me()).toBe(200);
    const answer = await web.ask("/api/v1/session", { method: "DELETE", cookie });
    expect(answer.status).toBe(204);
    expect(await me()).toBe(401);
    expect((await web.ask("/api/v1/me", { cookie: `${cookie}x` })).status).toBe(401);
  });

  it("are of no use to other sites", async () => {
    const headers = { origin: "http://evil.example" };
    for (const [method, path] of [
      ["DELETE", "/api/v1/session"],
      ["POST", "/api/v1/tokens"],
    ] as const) {
      expect(
        (await web.ask(path, { method, cookie, headers, ...(method === "POST" ? { json: { name: "x", role: "owner" } } : {}) })).status,
      ).toBe(403);
      expect((await web.ask(path, { method, cookie, headers: { origin: web.origin, "sec-fetch-site": "cross-site" } })).status).toBe(403);
    }
    expect((await signIn({ email: adminEmail, password: adminPassword }, headers)).status).toBe(403);
    const withoutOrigin = await fetch(`${web.origin}/api/v1/session`, { method: "DELETE", headers: { cookie } });
    expect(withoutOrigin.status).toBe(403);
    expect(await me()).toBe(200);
  });

  it("die with the user's membership", async () => {
    expect(await me()).toBe(200);
    const kept = await web.ctx.sql`delete from memberships returning organization_id, user_id`;
    web.ctx.bus.emit("principal.revoked", { kind: "user", id: kept[0]!["user_id"] });
    expect(await me()).toBe(401);
    expect((await signIn({ email: adminEmail, password: adminPassword })).status).toBe(403);
    await web.ctx.sql`insert into memberships (organization_id, user_id) values (${kept[0]!["organization_id"]}, ${kept[0]!["user_id"]})`;
    expect(await me()).toBe(200);
  });

  it("of all browsers and the user's tokens end when the password changes", async () => {
    const other = await web.signIn();
    const { body } = await web.ask("/api/v1/tokens", { method: "POST", cookie, json: { name: "ci", role: "view" } });
    const change = (currentPassword: string, newPassword: string) =>
      web.ask("/api/v1/me/password", { method: "POST", cookie, json: { currentPassword, newPassword } });
    expect((await change("wrong wrong wrong", "another long password")).status).toBe(422);
    expect(await me(other)).toBe(200);
    expect((await web.ask("/api/v1/me", { token: body.secret })).status).toBe(200);

    const changed = await change(adminPassword, "another long password");
    expect(changed.status).toBe(204);
    expect(await me(other)).toBe(401);
    expect(await me()).toBe(401);
    expect((await web.ask("/api/v1/me", { token: body.secret })).status).toBe(401);
    const fresh = changed.headers
      .getSetCookie()
      .map((value) => value.split(";", 1)[0])
      .join("; ");
    expect(await me(fresh)).toBe(200);
    expect((await signIn({ email: adminEmail, password: adminPassword })).status).toBe(401);
    const back = await web.ask("/api/v1/me/password", {
      method: "POST",
      cookie: fresh,
      json: { currentPassword: "another long password", newPassword: adminPassword },
    });
    expect(back.status).toBe(204);
  });

  it("cannot be guessed: five wrong passwords close an account to an address", async () => {
    const email = `${randomBytes(4).toString("hex")}@example.com`;
    for (let i = 0; i < 5; i++) expect((await signIn({ email, password: `guess ${i}` })).status).toBe(401);
    const closed = await signIn({ email: email.toUpperCase(), password: "guess" });
    expect([closed.status, closed.body.code]).toEqual([429, "rate_limited"]);
    expect(Number(closed.headers.get("retry-after"))).toBeGreaterThan(800);
    // A header that anybody can write does not open it.
    expect((await signIn({ email, password: "guess" }, { "x-forwarded-for": "198.51.100.7" })).status).toBe(429);
  });
});

describe("settings for the first start", () => {
  const bootstrapToken = "b".repeat(40);
  let web: TestWeb;
  beforeAll(async () => (web = await testWeb({ bootstrapToken, publicUrl: new URL("https://devflow.example") })));
  afterAll(() => web.close());

  it("make the administrator and the first token without a browser", async () => {
    expect(web.setupCode).toBeNull();
    const answer = await web.ask("/api/v1/me", { token: bootstrapToken });
    expect(answer.body).toMatchObject({ kind: "token", user: null, role: "owner" });
  });

  it("bind the cookie to the host on https", async () => {
    const answer = await web.ask("/api/v1/session", { method: "POST", json: { email: adminEmail, password: adminPassword } });
    expect(answer.headers.getSetCookie()[0]).toMatch(
      /^__Host-devflow\.session_token=[^;]+; Max-Age=604800; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    );
    expect(answer.headers.get("strict-transport-security")).toMatch(/max-age=\d{8}/);
    const cookie = answer.headers.getSetCookie()[0]!.split(";", 1)[0]!;
    const from = (origin: string) => web.ask("/api/v1/me/password", { method: "POST", cookie, headers: { origin }, json: {} });
    expect((await from("https://devflow.example")).status).toBe(422);
    expect((await from("http://devflow.example")).status).toBe(403);
  });
});
