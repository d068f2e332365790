import { base32 } from "@better-auth/utils/base32";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { adminEmail, adminPassword, testWeb, type TestWeb } from "../../testing/web.ts";
import { codeOf } from "./totp/code.ts";

let web: TestWeb;
let nowMs = Date.now();
beforeAll(async () => {
  web = await testWeb();
  (web.ctx as { clock: unknown }).clock = { now: () => nowMs };
});
afterAll(() => web.close());

const post = (path: string, json: unknown, cookie?: string) =>
  web.ask(path, { method: "POST", ...(json === undefined ? {} : { json }), ...(cookie === undefined ? {} : { cookie }) });
const cookiesOf = (answer: { headers: Headers }) =>
  answer.headers
    .getSetCookie()
    .map((value) => value.split(";", 1)[0])
    .join("; ");

describe("an authenticator", () => {
  let cookie: string;
  let secret: Buffer;
  let recovery: string[];
  /** A code that was not used yet: time goes on by a step. */
  const nextCode = () => {
    nowMs += 30_000;
    return codeOf(secret, Math.floor(nowMs / 30_000));
  };
  const signIn = () => post("/api/v1/session", { email: adminEmail, password: adminPassword });
  const finish = async (code: string, method = "totp") =>
    post("/api/v1/session/factor", { challenge: (await signIn()).body.challenge, method, code });

  it("is turned on by the password and its first code", async () => {
    cookie = await web.signIn();
    expect((await post("/api/v1/me/totp", { password: "wrong wrong wrong" }, cookie)).status).toBe(422);
    const begun = await post("/api/v1/me/totp", { password: adminPassword }, cookie);
    expect(begun.body.uri).toContain(`secret=${begun.body.key}`);
    secret = Buffer.from(base32.decode(begun.body.key));
    // Until its first code came it is asked of nobody.
    expect((await signIn()).body.kind).toBe("user");
    expect((await post("/api/v1/me/totp/enable", { code: "000000" }, cookie)).status).toBe(422);
    const enabled = await post("/api/v1/me/totp/enable", { code: codeOf(secret, Math.floor(nowMs / 30_000)) }, cookie);
    recovery = enabled.body.recoveryCodes;
    expect(recovery).toHaveLength(10);
  });

  it("is asked for after the password, which alone gives no session", async () => {
    const first = await signIn();
    expect([first.status, first.body.kind, first.headers.getSetCookie()]).toEqual([200, "challenge", []]);
    const second = await post("/api/v1/session/factor", { challenge: first.body.challenge, method: "totp", code: nextCode() });
    expect([second.status, second.body.kind]).toEqual([200, "user"]);
    expect((await web.ask("/api/v1/me", { cookie: cookiesOf(second) })).status).toBe(200);
  });

  it("gives codes that are good once, also for two requests at the same time", async () => {
    const code = nextCode();
    const challenge = (await signIn()).body.challenge;
    const both = await Promise.all([1, 2].map(() => post("/api/v1/session/factor", { challenge, method: "totp", code })));
    expect(both.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 401]);
    expect((await finish(code)).status).toBe(401);
    expect((await finish(nextCode())).status).toBe(200);
  });

  it("has recovery codes that are good once, and of no use to whoever reads the database", async () => {
    const used = recovery.pop()!;
    expect((await finish(used.toUpperCase(), "recovery")).status).toBe(200);
    expect((await finish(used, "recovery")).status).toBe(401);
    const rows = JSON.stringify(await web.ctx.sql`select * from recovery_codes`);
    for (const code of recovery) expect(rows).not.toContain(code.replace("-", ""));
    const [factor] = await web.ctx.sql<{ sealed: Buffer }[]>`select sealed from totp_factors`;
    expect(factor!.sealed.includes(secret)).toBe(false);
  });

  it("lets no challenge of another installation, another time or before a password change through", async () => {
    const { challenge } = (await signIn()).body;
    expect(
      (await post("/api/v1/session/factor", { challenge: `AAAA${challenge.slice(4)}`, method: "totp", code: nextCode() })).status,
    ).toBe(401);
    nowMs += 5 * 60_000 + 1;
    expect((await post("/api/v1/session/factor", { challenge, method: "totp", code: nextCode() })).status).toBe(401);
    const again = (await signIn()).body.challenge;
    await web.ctx.sql`update accounts set password = password || ' '`;
    expect((await post("/api/v1/session/factor", { challenge: again, method: "totp", code: nextCode() })).status).toBe(401);
    await web.ctx.sql`update accounts set password = trim(password)`;
  });

  it("cannot be guessed: five wrong codes close the second step", async () => {
    nowMs += 16 * 60_000;
    for (let i = 0; i < 5; i++) expect((await finish("000000")).status).toBe(401);
    expect((await finish(nextCode())).status).toBe(429);
    nowMs += 16 * 60_000;
    expect((await finish(nextCode())).status).toBe(200);
  });

  it("is removed only by somebody who confirmed, and every change is written down", async () => {
    const late = cookiesOf(await finish(nextCode()));
    nowMs += 11 * 60_000;
    const refused = await web.ask("/api/v1/me/totp", { method: "DELETE", cookie: late });
    expect([refused.status, refused.body.code]).toEqual([403, "step_up_required"]);
    expect((await post("/api/v1/session/confirm", { method: "totp", code: nextCode() }, late)).status).toBe(204);
    expect((await web.ask("/api/v1/me/totp", { method: "DELETE", cookie: late })).status).toBe(204);
    expect((await web.ask("/api/v1/me/factors", { cookie: late })).body).toMatchObject({ totp: false, recoveryCodesLeft: 0 });
    expect((await signIn()).body.kind).toBe("user");
    const actions = await web.ctx.sql<
      { action: string }[]
    >`select action from audit_log where action like 'users.%able-totp' order by sequence`;
    expect(actions.map(({ action }) => action)).toEqual(["users.enable-totp", "users.disable-totp"]);
    const events = await web.ctx.sql<{ data: object }[]>`select data from events where type = 'user.factor-changed' order by 1`;
    expect(events.map(({ data }) => data)).toEqual(
      expect.arrayContaining([
        { factor: "totp", added: true },
        { factor: "totp", added: false },
      ]),
    );
  });
});

describe("step-up", () => {
  it("is asked of old sessions by every dangerous route, and of no API token", async () => {
    const dangerous = web.api.routes.filter(({ stepUp }) => stepUp === true).map(({ method, path }) => `${method} ${path}`);
    expect(dangerous).toEqual(
      expect.arrayContaining([
        "post /api/v1/tokens",
        "delete /api/v1/servers/{id}",
        "delete /api/v1/me/totp",
        "delete /api/v1/me/passkeys/{id}",
        "post /api/v1/me/recovery-codes",
        "put /api/v1/settings/mail",
        "put /api/v1/settings/oidc",
        "put /api/v1/settings/security",
      ]),
    );
    const cookie = await web.signIn();
    const token = { name: "ci", role: "view" };
    expect((await post("/api/v1/tokens", token, cookie)).status).toBe(201);
    nowMs += 11 * 60_000;
    expect((await post("/api/v1/tokens", token, cookie)).body.code).toBe("step_up_required");
    const owner = await web.token("owner");
    expect((await web.ask("/api/v1/tokens", { method: "POST", token: owner, json: token })).status).not.toBe(403);
    const wrong = await post("/api/v1/session/confirm", { method: "password", password: "wrong wrong wrong" }, cookie);
    expect([wrong.status, wrong.body.code]).toEqual([422, "invalid"]);
    expect((await post("/api/v1/tokens", token, cookie)).body.code).toBe("step_up_required");
    expect((await post("/api/v1/session/confirm", { method: "password", password: adminPassword }, cookie)).status).toBe(204);
    expect((await post("/api/v1/tokens", token, cookie)).status).toBe(201);
  });
});

describe("the list of sessions", () => {
  let cookie: string;
  beforeEach(async () => (cookie = await web.signIn()));
  const list = () =>
    web.ask("/api/v1/me/sessions", { cookie }).then(({ body }) => body.items as { id: string; browser: string; current: boolean }[]);
  const other = async (userAgent: string) => {
    const answer = await web.ask("/api/v1/session", {
      method: "POST",
      json: { email: adminEmail, password: adminPassword },
      headers: { "user-agent": userAgent },
    });
    return cookiesOf(answer);
  };
  const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";

  it("names browsers in words and marks the one that asks", async () => {
    await other(firefox);
    const items = await list();
    expect(items.filter(({ current }) => current)).toHaveLength(1);
    expect(items.map(({ browser }) => browser)).toContain("Firefox 128 on Linux");
    expect(JSON.stringify(items)).not.toContain(decodeURIComponent(cookie.split("=")[1]!).split(".")[0]);
  });

  it("ends one, with its live socket, at once", async () => {
    const stolen = await other(firefox);
    const socket = new WebSocket(`${web.origin.replace("http", "ws")}/api/v1/live`, { headers: { cookie: stolen, origin: web.origin } });
    await new Promise((resolve) => socket.once("open", resolve));
    const closed = new Promise<number>((resolve) => socket.once("close", resolve));
    const before = await web.ask("/api/v1/me/sessions", { cookie: stolen });
    const id = (before.body.items as { id: string; current: boolean }[]).find(({ current }) => current)!.id;
    expect((await web.ask(`/api/v1/me/sessions/${id}`, { method: "DELETE", cookie })).status).toBe(204);
    expect(await closed).toBe(4401);
    expect((await web.ask("/api/v1/me", { cookie: stolen })).status).toBe(401);
    expect((await web.ask(`/api/v1/me/sessions/${id}`, { method: "DELETE", cookie })).status).toBe(404);
  });

  it("ends all others, and none of another person's", async () => {
    await web.ctx.sql`insert into users (id, name, email) values ('other', 'Other', 'other@example.com')`;
    await web.ctx.sql`insert into sessions (id, user_id, token, expires_at) values ('theirs', 'other', 'x', now() + interval '1 day')`;
    const stolen = await other(firefox);
    expect((await web.ask("/api/v1/me/sessions/theirs", { method: "DELETE", cookie })).status).toBe(404);
    const answer = await post("/api/v1/me/sessions/revoke-others", undefined, cookie);
    expect(answer.body.revoked).toBeGreaterThan(0);
    expect((await list()).map(({ current }) => current)).toEqual([true]);
    expect((await web.ask("/api/v1/me", { cookie: stolen })).status).toBe(401);
    expect(await web.ctx.sql`select id from sessions where id = 'theirs'`).toHaveLength(1);
  });
});
