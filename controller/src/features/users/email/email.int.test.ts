import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { adminEmail, adminPassword, testWeb, type TestWeb } from "../../../testing/web.ts";
import { testMailServer, type TestMailServer } from "../../../testing/mail-server.ts";

let web: TestWeb;
let mail: TestMailServer;
let cookie: string;
let nowMs = Date.now();
const next = "another long phrase";

beforeAll(async () => {
  mail = await testMailServer();
  web = await testWeb({ roles: new Set(["web", "worker"] as const), publicUrl: new URL("https://devflow.example") });
  (web.ctx as { clock: unknown }).clock = { now: () => nowMs };
  cookie = await web.signIn();
});
afterAll(async () => {
  await web.close();
  await mail.close();
});
afterEach(() => void (nowMs += 16 * 60_000));

const post = (path: string, json: unknown, headers: Record<string, string> = {}) => web.ask(path, { method: "POST", json, headers });
const asMe = (method: string, path: string, json: unknown) =>
  web.ask(path, { method, json, cookie, headers: { origin: "https://devflow.example", host: "devflow.example" } });
const signIn = async (password: string, email = adminEmail) => (await post("/api/v1/session", { email, password })).status;
const fresh = async (password: string, email = adminEmail) => {
  const answer = await post("/api/v1/session", { email, password });
  return answer.headers.getSetCookie()[0]!.split(";", 1)[0]!;
};
const linkOf = (text: string) => /https:\/\/devflow\.example\/[a-z-]+#(\S+)/.exec(text)![1]!;

describe("without a mail server", () => {
  it("nothing is promised", async () => {
    expect((await web.ask("/api/v1/session/options")).body.passwordReset).toBe(false);
    expect((await post("/api/v1/password-resets", { email: adminEmail })).status).toBe(409);
  });
});

describe("with a mail server", () => {
  beforeAll(async () => {
    cookie = await fresh(adminPassword);
  });

  it("the test button sends one mail now", async () => {
    const settings = {
      host: "127.0.0.1",
      port: mail.port,
      encryption: "none",
      user: null,
      from: "DevFlow <devflow@example.com>",
      certificateAuthority: null,
    };
    expect((await asMe("PUT", "/api/v1/settings/mail", settings)).status).toBe(200);
    expect((await asMe("POST", "/api/v1/settings/mail/test", {})).body.to).toBe(adminEmail);
    expect((await mail.mailTo(adminEmail)).text).toContain("Mail from DevFlow works");
    mail.refuse = 554;
    const refused = await asMe("POST", "/api/v1/settings/mail/test", {});
    mail.refuse = null;
    expect([refused.status, refused.body]).toMatchObject([
      422,
      { code: "outside_failed", detail: expect.stringMatching(/mail server 127\.0\.0\.1:\d+ did not take the mail\. It answered: 554/) },
    ]);
  });

  it("a forgotten password is set anew by a link, once, and ends sessions and tokens", async () => {
    cookie = await fresh(adminPassword);
    const { body: token } = await asMe("POST", "/api/v1/tokens", { name: "ci", role: "view" });
    expect((await web.ask("/api/v1/me", { token: token.secret })).status).toBe(200);
    const asked = await post("/api/v1/password-resets", { email: adminEmail.toUpperCase() }, { host: "evil.example" });
    expect(asked.status).toBe(202);
    const { text, raw } = await mail.mailTo(adminEmail);
    expect(raw).not.toContain("evil.example");
    const link = linkOf(text);
    expect(JSON.stringify(await web.ctx.sql`select * from verifications`)).not.toContain(link.split(".")[1]);

    expect((await post("/api/v1/password-resets/complete", { token: link, password: "anna@example.com" })).status).toBe(422);
    expect((await post("/api/v1/password-resets/complete", { token: `${link}x`, password: next })).status).toBe(403);
    expect((await post("/api/v1/password-resets/complete", { token: link, password: next })).status).toBe(204);
    expect((await post("/api/v1/password-resets/complete", { token: link, password: adminPassword })).status).toBe(403);
    expect([await signIn(adminPassword), await signIn(next)]).toEqual([401, 200]);
    expect((await web.ask("/api/v1/me", { cookie })).status).toBe(401);
    expect((await web.ask("/api/v1/me", { token: token.secret })).status).toBe(401);
    expect((await mail.mailTo(adminEmail)).text).toContain("Your password was reset");
    expect(await web.ctx.sql`select 1 from events where type = 'user.password-changed'`).toHaveLength(1);
    cookie = await fresh(next);
  });

  it("nobody learns who is here: the same answer and no mail for a stranger; few requests", async () => {
    const known = await post("/api/v1/password-resets", { email: adminEmail });
    const unknown = await post("/api/v1/password-resets", { email: "nobody@example.com" });
    expect([unknown.status, unknown.body]).toEqual([known.status, known.body]);
    const link = linkOf((await mail.mailTo(adminEmail)).text);
    expect(mail.arrived.flatMap(({ to }) => to)).not.toContain("nobody@example.com");
    const statuses: number[] = [];
    for (let i = 0; i < 3; i++) statuses.push((await post("/api/v1/password-resets", { email: "nobody@example.com" })).status);
    expect(statuses).toEqual([202, 202, 429]);
    nowMs += 3_600_001;
    expect((await post("/api/v1/password-resets/complete", { token: link, password: next })).status).toBe(403);
  });

  it("a new address counts once its mail was read, and the old one is told", async () => {
    cookie = await fresh(next);
    expect((await asMe("POST", "/api/v1/me/email", { email: "new@example.com" })).body).toEqual({ sent: true });
    expect((await asMe("GET", "/api/v1/me", undefined)).body.user.email).toBe(adminEmail);
    const token = linkOf((await mail.mailTo("new@example.com")).text);
    expect((await post("/api/v1/email-verifications", { token })).status).toBe(204);
    expect((await post("/api/v1/email-verifications", { token })).status).toBe(403);
    expect((await mail.mailTo(adminEmail)).text).toContain("The address of your account is now new@example.com");
    expect((await asMe("GET", "/api/v1/me", undefined)).body.user).toMatchObject({ email: "new@example.com", emailVerified: true });
    expect([await signIn(next), await signIn(next, "new@example.com")]).toEqual([401, 200]);
  });

  it("mails wait sealed while the server is away, and are sent once when it is back", async () => {
    mail.refuse = 451;
    cookie = await fresh(next, "new@example.com");
    const changed = await asMe("POST", "/api/v1/me/password", { currentPassword: next, newPassword: adminPassword });
    expect(changed.status).toBe(204);
    await vi.waitFor(async () =>
      expect((await web.ctx.sql`select last_error from mails where attempts = 1`)[0]?.["last_error"]).toMatch(/451/),
    );
    expect(JSON.stringify(await web.ctx.sql`select encode(sealed, 'escape') as sealed from mails`)).not.toContain("example.com");
    mail.refuse = null;
    const { deliverMails } = await import("../../../platform/mail/index.ts");
    expect(await deliverMails({ ctx: web.ctx })).toEqual({ sent: 0, failed: 0 });
    nowMs += 61_000;
    const both = await Promise.all([deliverMails({ ctx: web.ctx }), deliverMails({ ctx: web.ctx })]);
    expect(both.map(({ sent }) => sent).toSorted((a, b) => a - b)).toEqual([0, 1]);
    expect((await mail.mailTo("new@example.com")).text).toContain("Your password was changed");
    expect(await web.ctx.sql`select 1 from mails`).toHaveLength(0);
  });

  it("a mail that the server refuses for good is given up", async () => {
    mail.refuse = 550;
    expect((await post("/api/v1/password-resets", { email: "new@example.com" })).status).toBe(202);
    const { deliverMails } = await import("../../../platform/mail/index.ts");
    await vi.waitFor(async () => {
      await deliverMails({ ctx: web.ctx });
      expect(await web.ctx.sql`select 1 from verifications where identifier like 'password-reset%'`).toHaveLength(1);
      expect(await web.ctx.sql`select 1 from mails where given_up_at is null`).toHaveLength(0);
    });
    mail.refuse = null;
    cookie = await fresh(adminPassword, "new@example.com");
    const { body } = await asMe("GET", "/api/v1/settings/mail", undefined);
    expect(body).toMatchObject({
      waiting: 0,
      failures: [{ attempts: 1, reason: "It answered: 550 refused", givenUpAt: expect.any(String) }],
    });
  });
});
