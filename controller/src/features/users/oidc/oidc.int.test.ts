import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { providerSecret as secret, startProvider, type TestProvider } from "../../../testing/openid-provider.ts";
import { adminEmail, testWeb, type TestWeb } from "../../../testing/web.ts";

/** Who signs in at the provider under which name. */
const people: Record<string, { email: string; email_verified: boolean; name: string }> = {
  anna: { email: adminEmail, email_verified: true, name: "Anna" },
  ben: { email: "Ben@example.com", email_verified: true, name: "Ben" },
  carl: { email: "carl@example.com", email_verified: false, name: "Carl" },
  dora: { email: "dora@elsewhere.org", email_verified: true, name: "Dora" },
};
const publicUrl = new URL("http://localhost:26590");

/** A browser at the provider: follows it, fills its forms, and stops where it is sent back to us. */
async function atProvider(url: string, login: string): Promise<string> {
  const jar = new Map<string, string>();
  let next = url;
  let form: URLSearchParams | null = null;
  for (let steps = 0; steps < 20; steps++) {
    const answer: Response = await fetch(next, {
      redirect: "manual",
      headers: { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join("; ") },
      ...(form === null ? {} : { method: "POST", body: form }),
    });
    for (const line of answer.headers.getSetCookie()) {
      const [pair = ""] = line.split(";", 1);
      jar.set(pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1));
    }
    form = null;
    const location = answer.headers.get("location");
    if (location !== null) {
      next = new URL(location, next).href;
      if (next.startsWith(publicUrl.origin)) return next;
      continue;
    }
    const page = await answer.text();
    const action = /<form[^>]*action="([^"]+)"/.exec(page)?.[1];
    const prompt = /name="prompt" value="([^"]+)"/.exec(page)?.[1];
    if (action === undefined || prompt === undefined) throw new Error(`no form in: ${answer.status} ${page.slice(0, 500)}`);
    next = new URL(action, next).href;
    form = new URLSearchParams({ prompt, ...(prompt === "login" ? { login, password: "x" } : {}) });
  }
  throw new Error("the provider leads nowhere");
}

describe("signing in by an OpenID provider", () => {
  let web: TestWeb;
  let issuer: string;
  let provider: TestProvider;
  let cookie: string;
  beforeAll(async () => {
    provider = await startProvider(`${publicUrl.origin}/sign-in/callback`, people);
    ({ issuer } = provider);
    web = await testWeb({ publicUrl });
    cookie = await web.signIn();
  });
  afterAll(async () => {
    await web.close();
    await provider.stop();
  });

  const origin = { origin: publicUrl.origin };
  const asMe = (method: string, path: string, json?: unknown) =>
    web.ask(path, { method, cookie, headers: { ...origin, host: publicUrl.host }, ...(json === undefined ? {} : { json }) });
  const put = (change: object = {}) =>
    asMe("PUT", "/api/v1/settings/oidc", {
      issuer,
      clientId: "devflow",
      secret,
      scopes: "email profile",
      allowedDomains: [],
      newMembers: null,
      label: "Example ID",
      ...change,
    });
  const begin = async (purpose = "sign-in", asCookie?: string) => {
    const answer = await web.ask("/api/v1/session/oidc", {
      method: "POST",
      json: { purpose },
      ...(asCookie === undefined ? {} : { cookie: asCookie, headers: { ...origin, host: publicUrl.host } }),
    });
    return {
      url: answer.body.url as string,
      state:
        answer.headers
          .getSetCookie()
          .find((value) => value.startsWith("devflow.oidc="))
          ?.split(";", 1)[0] ?? "",
    };
  };
  const complete = (url: string, cookies: string) =>
    web.ask("/api/v1/session/oidc/complete", {
      method: "POST",
      json: { url },
      cookie: cookies,
      headers: { ...origin, host: publicUrl.host },
    });
  const through = async (login: string) => {
    const { url, state } = await begin();
    return complete(await atProvider(url, login), state);
  };
  const sessionOf = (answer: { headers: Headers }) =>
    answer.headers
      .getSetCookie()
      .find((value) => value.startsWith("devflow.session_token="))
      ?.split(";", 1)[0];

  it("is set by an administrator, once the provider has described itself; the secret never comes back", async () => {
    expect((await put({ issuer: "http://127.0.0.1:1" })).status).toBe(422);
    const answer = await put();
    expect([answer.status, answer.body.hasSecret, answer.body.redirectUri]).toEqual([200, true, `${publicUrl.origin}/sign-in/callback`]);
    expect(JSON.stringify((await asMe("GET", "/api/v1/settings/oidc")).body)).not.toContain(secret);
    expect(JSON.stringify(await web.ctx.sql`select value, encode(sealed, 'escape') from settings`)).not.toContain(secret);
    expect((await web.ask("/api/v1/session/options")).body.provider).toEqual({ label: "Example ID" });
    // Whoever may change settings cannot have the stored secret sent to a provider of their own.
    expect((await put({ secret: undefined, clientId: "other" })).status).toBe(422);
  });

  it("is tested: away, with a wrong secret, and right", async () => {
    const test = () => asMe("POST", "/api/v1/settings/oidc/test", {});
    expect((await test()).body).toEqual({ issuer, client: "accepted" });
    await put({ secret: "another" });
    const refused = await test();
    expect([refused.status, refused.body.errors[0].path]).toEqual([422, "secret"]);
    expect(JSON.stringify(refused.body)).not.toContain("another");
    await put();
    await provider.stop();
    const away = await test();
    expect([away.status, away.body.errors[0].path]).toEqual([422, "issuer"]);
    await provider.resume();
    expect((await test()).status).toBe(200);
  });

  it("links by an address that both sides verified, and finds the same person again", async () => {
    for (let i = 0; i < 2; i++) {
      const answer = await through("anna");
      expect([answer.status, answer.body]).toEqual([200, { purpose: "sign-in" }]);
      const me = await web.ask("/api/v1/me", { cookie: sessionOf(answer)! });
      expect(me.body.user.email).toBe(adminEmail);
    }
    expect(await web.ctx.sql`select 1 from accounts where provider_id = ${`oidc:${issuer}`}`).toHaveLength(1);
    expect(await web.ctx.sql`select 1 from audit_log where action = 'users.link-provider'`).toHaveLength(1);
  });

  it("lets nobody in who has no account, whose address is not verified here or there, or is of another domain", async () => {
    expect((await through("ben")).status).toBe(403);
    expect((await through("carl")).status).toBe(403);
    await web.ctx.sql`insert into users (id, name, email) values ('early', 'Early', 'ben@example.com')`;
    expect((await through("ben")).status).toBe(403);
    await web.ctx.sql`delete from users where id = 'early'`;
    await put({
      allowedDomains: ["example.com"],
      newMembers: { organizationId: web.ctx.installation.defaultOrganizationId, role: "view" },
    });
    expect((await through("dora")).status).toBe(403);
    expect((await through("carl")).status).toBe(403);
    expect(await web.ctx.sql`select 1 from users`).toHaveLength(1);
  });

  it("makes members where settings say so, with that role and no more", async () => {
    const answers = await Promise.all([through("ben"), through("ben")]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    const me = await web.ask("/api/v1/me", { cookie: sessionOf(answers[0])! });
    expect(me.body).toMatchObject({ role: "view", user: { email: "ben@example.com", name: "Ben" }, installationAdministrator: false });
    expect(await web.ctx.sql`select 1 from events where type = 'member.joined'`).toHaveLength(1);
  });

  it("takes an answer in the browser that asked only, once, and with its own state", async () => {
    const mine = await begin();
    const back = await atProvider(mine.url, "anna");
    expect((await complete(back, "")).status).toBe(401);
    expect((await complete(back, (await begin()).state)).status).toBe(401);
    const forged = new URL(back);
    forged.searchParams.set("state", "x");
    expect((await complete(forged.href, mine.state)).status).toBe(401);
    expect((await complete(back, mine.state)).status).toBe(200);
    expect((await complete(back, mine.state)).status).toBe(401);
  });

  it("links from the profile, confirms a session, and unlinks", async () => {
    const linking = await begin("link", cookie);
    const back = await atProvider(linking.url, "dora");
    expect((await complete(back, linking.state)).status).toBe(403);
    const again = await begin("link", cookie);
    expect((await complete(await atProvider(again.url, "dora"), `${cookie}; ${again.state}`)).body).toEqual({ purpose: "link" });
    const factors = await asMe("GET", "/api/v1/me/factors");
    expect(factors.body.linked).toHaveLength(2);

    await web.ctx.sql`update sessions set confirmed_at = now() - interval '1 hour'`;
    const confirm = await begin("confirm", cookie);
    expect(new URL(confirm.url).searchParams.get("max_age")).toBe("0");
    expect((await complete(await atProvider(confirm.url, "ben"), `${cookie}; ${confirm.state}`)).status).toBe(403);
    const right = await begin("confirm", cookie);
    expect((await complete(await atProvider(right.url, "anna"), `${cookie}; ${right.state}`)).status).toBe(200);
    const [first] = factors.body.linked;
    expect((await asMe("DELETE", `/api/v1/me/linked/${first.id}`)).status).toBe(204);
    expect((await begin("link")).url).toBeUndefined();
  });
});
