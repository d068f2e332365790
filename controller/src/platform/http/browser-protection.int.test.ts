import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { adminEmail, adminPassword, testWeb, type TestWeb } from "../../testing/web.ts";

const hsts = (headers: Headers) => headers.get("strict-transport-security");
const plainHost = { rateLimit: { known: 1e6, unknown: 1e6 } };

describe("headers of every answer", () => {
  let plain: TestWeb;
  let secure: TestWeb;
  let proxied: TestWeb;
  beforeAll(async () => {
    plain = await testWeb(plainHost);
    secure = await testWeb({ publicUrl: new URL("https://devflow.example.com") });
    proxied = await testWeb({ trustedProxies: ["127.0.0.1"] });
  });
  afterAll(async () => {
    for (const web of [plain, secure, proxied]) await web?.close();
  });

  it("keep browsers from guessing, framing, linking back, sharing and using what the page does not need", async () => {
    const token = await plain.token("owner");
    for (const [path, ask] of [
      ["/healthz", {}],
      ["/api/v1/me", { token }],
      ["/api/v1/me", {}],
      ["/api/v1/servers/nothing", { token }],
      ["/api/docs", { token }],
      ["/nothing.png", {}],
      ["/robots.txt", {}],
      ["/ca.pem", {}],
    ] as const) {
      const { headers } = await plain.ask(path, ask);
      expect([path, Object.fromEntries(headers)]).toEqual([
        path,
        expect.objectContaining({
          "x-content-type-options": "nosniff",
          "x-frame-options": "DENY",
          "referrer-policy": "no-referrer",
          "cross-origin-opener-policy": "same-origin",
          "cross-origin-resource-policy": "same-origin",
          "permissions-policy": expect.stringContaining("camera=()"),
          "x-robots-tag": "noindex, nofollow",
          "content-security-policy": expect.stringContaining("frame-ancestors 'none'"),
        }),
      ]);
      expect(headers.get("access-control-allow-origin")).toBeNull();
      expect(headers.get("x-powered-by") ?? headers.get("server")).toBeNull();
    }
  });

  it("tell browsers to stay with https only when they came by it", async () => {
    expect(hsts((await plain.ask("/healthz")).headers)).toBeNull();
    expect(hsts((await plain.ask("/healthz", { headers: { "x-forwarded-proto": "https" } })).headers)).toBeNull();
    expect(hsts((await secure.ask("/healthz")).headers)).toMatch(/^max-age=\d{8}/);
    for (const [told, expected] of [
      ["https", true],
      ["http", false],
      ["https, http", false],
      ["http, HTTPS", true],
    ] as const) {
      const { headers } = await proxied.ask("/healthz", { headers: { "x-forwarded-proto": told } });
      expect([told, hsts(headers) !== null]).toEqual([told, expected]);
    }
    expect(hsts((await proxied.ask("/healthz")).headers)).toBeNull();
  });

  it("let nobody keep what was answered to credentials", async () => {
    const token = await plain.token("owner");
    const ids: Record<string, string> = {};
    for (const route of plain.api.routes.filter(({ method, permission }) => method === "get" && permission !== "public")) {
      const path = route.path.replaceAll(/\{\w+\}/g, (ids["x"] ??= crypto.randomUUID()));
      const { headers } = await plain.ask(path, { token });
      expect([path, headers.get("cache-control")]).toEqual([path, "no-store"]);
    }
  });

  it("keep search engines away", async () => {
    expect((await plain.ask("/robots.txt")).body).toBe("User-agent: *\nDisallow: /\n");
  });
});

describe("security.txt", () => {
  it("is there when there is somebody to report to, and ends within a year", async () => {
    const without = await testWeb(plainHost);
    expect((await without.ask("/.well-known/security.txt")).status).toBe(404);
    await without.close();
    const web = await testWeb({
      securityContact: new URL("mailto:security@example.com"),
      publicUrl: new URL("https://devflow.example.com"),
    });
    const { status, headers, body } = await web.ask("/.well-known/security.txt");
    expect([status, headers.get("content-type")]).toEqual([200, "text/plain; charset=utf-8"]);
    expect(body).toMatch(
      /^Contact: mailto:security@example\.com\nExpires: \d{4}-\d\d-\d\dT00:00:00Z\nCanonical: https:\/\/devflow\.example\.com\/\.well-known\/security\.txt\nPreferred-Languages: en\n$/,
    );
    const leftMs = Date.parse(/Expires: (.*)/.exec(body as string)![1]!) - Date.now();
    expect(leftMs).toBeGreaterThan(30 * 86_400_000);
    expect(leftMs).toBeLessThan(365 * 86_400_000);
    await web.close();
  });
});

describe("cookies", () => {
  const signIn = (web: TestWeb, headers: Record<string, string>) =>
    web.ask("/api/v1/session", { method: "POST", json: { email: adminEmail, password: adminPassword }, headers });

  it("are bound to the host on https, and plain on http", async () => {
    const secure = await testWeb({ publicUrl: new URL("https://devflow.example.com") });
    const cookies = (await signIn(secure, {})).headers.getSetCookie();
    expect(cookies).toHaveLength(1);
    expect(cookies[0]).toMatch(/^__Host-devflow\.session_token=/);
    const attributes = cookies[0]!.toLowerCase().split("; ").slice(1);
    for (const attribute of ["path=/", "httponly", "secure", "samesite=lax"]) expect(attributes).toContain(attribute);
    expect(attributes.some((attribute) => attribute.startsWith("domain"))).toBe(false);
    // A cookie that a neighbouring host or plain http could have set is none.
    const stolen = cookies[0]!.split(";")[0]!.replace("__Host-", "");
    expect((await secure.ask("/api/v1/me", { headers: { cookie: stolen } })).status).toBe(401);
    await secure.close();

    const plain = await testWeb(plainHost);
    const [cookie = ""] = (await signIn(plain, {})).headers.getSetCookie();
    expect(cookie).toMatch(/^devflow\.session_token=.*; HttpOnly/);
    expect(cookie.toLowerCase()).toContain("samesite=lax");
    expect(cookie.toLowerCase()).not.toContain("secure");
    await plain.close();
  });
});

describe("requests that another site makes", () => {
  let web: TestWeb;
  let cookie: string;
  beforeAll(async () => {
    web = await testWeb(plainHost);
    cookie = await web.signIn();
  });
  afterAll(() => web.close());

  const groups = async () => (await web.ctx.sql`select 1 from server_groups`).length;
  const change = (headers: Record<string, string>, json: unknown = { name: `g-${crypto.randomUUID()}` }) =>
    web.ask("/api/v1/groups", { method: "POST", json, headers: { cookie, ...headers } });

  it.each([
    ["a foreign Origin", { origin: "https://evil.example" }],
    ["an Origin that only begins like ours", { origin: "http://127.0.0.1.evil.example" }],
    ["another port of this machine", { origin: "http://127.0.0.1:1" }],
    ["Origin null", { origin: "null" }],
    ["no Origin", {}],
    ["a Referer alone", { referer: "http://127.0.0.1/" }],
    ["Sec-Fetch-Site cross-site", { "sec-fetch-site": "cross-site" }],
    ["Sec-Fetch-Site same-site", { "sec-fetch-site": "same-site" }],
    ["our Origin and Sec-Fetch-Site cross-site", { origin: "OWN", "sec-fetch-site": "cross-site" }],
  ])("change nothing with somebody's cookie: %s", async (_name, headers: Record<string, string>) => {
    const before = await groups();
    const sent = headers["origin"] === "OWN" ? { ...headers, origin: web.origin } : headers;
    const answer = await change(sent);
    expect([answer.status, answer.body.code]).toEqual([403, "forbidden"]);
    for (const [method, path] of [
      ["DELETE", "/api/v1/session"],
      ["PATCH", "/api/v1/me"],
      ["PUT", "/api/v1/settings/event-retention"],
    ] as const)
      expect([path, (await web.ask(path, { method, headers: { cookie, ...sent } })).status]).toEqual([path, 403]);
    expect(await groups()).toBe(before);
  });

  it("and our own page does", async () => {
    expect((await change({ origin: web.origin })).status).toBe(201);
    expect((await change({ origin: web.origin, "sec-fetch-site": "same-origin" })).status).toBe(201);
  });

  it.each(["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json-patch+json", ""])(
    "are no forms: content type %s",
    async (type) => {
      const before = await groups();
      const answer = await change({ origin: web.origin, "content-type": type }, '{"name":"form"}');
      expect([answer.status, answer.body.code]).toEqual([415, "unsupported_media_type"]);
      // Also where no body is taken.
      const headers = { cookie, origin: web.origin, "content-type": type || "text/html" };
      expect((await web.ask("/api/v1/session", { method: "DELETE", json: "{}", headers })).status).toBe(415);
      expect(await groups()).toBe(before);
    },
  );

  it("sign nobody in", async () => {
    const answer = await web.ask("/api/v1/session", {
      method: "POST",
      json: { email: adminEmail, password: adminPassword },
      headers: { origin: "https://evil.example" },
    });
    expect([answer.status, answer.headers.getSetCookie()]).toEqual([403, []]);
  });

  it("open no socket with somebody's cookie", async () => {
    const open = async (headers: Record<string, string>) => {
      const socket = new WebSocket(`${web.origin.replace("http", "ws")}/api/v1/live`, { headers: { cookie, ...headers } });
      const opened = await Promise.race([
        once(socket, "open").then(() => 101),
        once(socket, "unexpected-response").then(([, response]) => (response as { statusCode: number }).statusCode),
        once(socket, "error").then(() => 0),
      ]);
      socket.terminate();
      return opened;
    };
    for (const headers of [
      {},
      { origin: "https://evil.example" },
      { origin: "null" },
      { origin: "http://127.0.0.1:1" },
      { origin: web.origin, "sec-fetch-site": "cross-site" },
    ])
      expect([headers, await open(headers as Record<string, string>)]).toEqual([headers, 403]);
    expect(await open({ origin: web.origin })).toBe(101);
  });

  it("read nothing: no answer allows another origin, preflights included", async () => {
    const answer = await web.ask("/api/v1/groups", {
      method: "OPTIONS",
      headers: { origin: "https://evil.example", "access-control-request-method": "POST", cookie },
    });
    expect([...answer.headers.keys()].filter((name) => name.startsWith("access-control-"))).toEqual([]);
    expect(answer.status).toBeGreaterThanOrEqual(400);
  });
});

describe("compression", () => {
  let web: TestWeb;
  beforeAll(async () => void (web = await testWeb(plainHost)));
  afterAll(() => web.close());
  const packed = { "accept-encoding": "gzip, deflate, br" };

  it("leaves alone what holds a secret or repeats what somebody sent", async () => {
    const token = await web.token("owner");
    const text = "x".repeat(90);
    const made = await web.ask("/api/v1/tokens", { method: "POST", token, json: { name: text, role: "view" }, headers: packed });
    expect([made.status, made.headers.get("content-encoding"), typeof made.body.secret]).toEqual([201, null, "string"]);
    const session = await web.ask("/api/v1/session", {
      method: "POST",
      json: { email: adminEmail, password: adminPassword },
      headers: packed,
    });
    expect([session.status, session.headers.get("content-encoding")]).toEqual([200, null]);
    const reflected = await web.ask(`/api/v1/${"nothing".repeat(300)}`, { token, headers: packed });
    expect([reflected.status, reflected.headers.get("content-encoding")]).toEqual([404, null]);
    const enrolment = await web.ask("/api/v1/enrolment-tokens", { method: "POST", token, json: { name: text }, headers: packed });
    expect([enrolment.status, enrolment.headers.get("content-encoding")]).toEqual([201, null]);
  });

  it("packs large lists, which hold none", async () => {
    const token = await web.token("owner");
    for (let i = 0; i < 30; i++) await web.server({ name: `server-${i}` });
    const list = await web.ask("/api/v1/servers", { token, headers: packed });
    expect([list.status, list.headers.get("content-encoding"), list.headers.get("vary")]).toEqual([200, "gzip", "accept-encoding"]);
    // What was searched for does not stand in the answer.
    const found = await web.ask("/api/v1/servers?search=server", { token, headers: packed });
    expect(JSON.stringify(found.body)).not.toContain('"search"');
  });
});
