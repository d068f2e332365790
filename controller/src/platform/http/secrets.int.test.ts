import { roles } from "@devflow/api";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { adminPassword, testWeb, type TestWeb } from "../../testing/web.ts";
import { createApi } from "./api.ts";

/** The only fields of the API that ever hold a secret, each in the one answer that makes it. */
const mayHoldSecret = ["post /api/v1/tokens secret", "post /api/v1/enrolment-tokens command", "post /api/v1/enrolment-tokens secret"];

/** Fields that only say whether there is a secret, or what is done with one. */
const tellsWhether = /^(hasPassword|hasSecret|checkBreachedPasswords|passwordReset)$/;

/** The chain over the audit log, which everybody may check. */
const chain = "get /api/v1/audit hash";

function fieldsOf(value: unknown, into = new Set<string>()): Set<string> {
  if (Array.isArray(value)) value.forEach((item) => fieldsOf(item, into));
  else if (typeof value === "object" && value !== null) {
    for (const [name, inner] of Object.entries(value)) fieldsOf(inner, into.add(name));
  }
  return into;
}

describe("answers of the API", () => {
  let web: TestWeb;
  beforeAll(async () => (web = await testWeb()));
  afterAll(() => web.close());

  it("hold nothing that the route's schema does not name, whatever a verb returns", async () => {
    const api = createApi(web.ctx, web.api.auth);
    const whole = { name: "n", passwordHash: "x", inner: { id: 1, token: "x" } };
    const response = z.object({ name: z.string(), inner: z.object({ id: z.number() }) });
    for (const method of ["get", "post"] as const)
      api.route({ method, path: "/thing", permission: "public", tag: "t", summary: "s", response }, async () => whole);
    for (const method of ["GET", "POST"]) {
      const answer = await api.fetch(new Request("http://localhost/thing", { method }));
      expect([answer.status, await answer.json()]).toEqual([200, { name: "n", inner: { id: 1 } }]);
    }
  });

  it("hold no secret, for any role, whatever the database holds", async () => {
    const cookie = await web.signIn();
    const made = await web.ask("/api/v1/tokens", { method: "POST", cookie, json: { name: "t", role: "view" } });
    const enrolment = await web.ask("/api/v1/enrolment-tokens", { method: "POST", cookie, json: {} });
    const server = await web.server();
    const fields = new Map([
      ["post /api/v1/tokens", fieldsOf(made.body)],
      ["post /api/v1/enrolment-tokens", fieldsOf(enrolment.body)],
    ]);

    // Everything secret that is anywhere in the database, looked for in every answer.
    const rows = await web.ctx.sql<{ value: string }[]>`
      select sha256 as value from api_tokens union all select sha256 from enrolment_tokens
      union all select token from sessions union all select password from accounts where password is not null
      union all select encode(wrapped_key, 'base64') from ca_keys union all select encode(wrapped_key, 'hex') from ca_keys`;
    const secrets = [
      ...rows.map(({ value }) => value),
      adminPassword,
      made.body.secret,
      enrolment.body.secret,
      "PRIVATE KEY",
      cookie.split("=")[1]!,
    ];
    expect(secrets.length).toBeGreaterThan(10);

    const callers = [...(await Promise.all(roles.map(async (role) => ({ token: await web.token(role) })))), { cookie }, {}];
    let answers = 0;
    for (const route of web.api.routes) {
      const path = route.path.replace("{id}", route.path.includes("/servers/") ? server : "00000000-0000-4000-8000-000000000000");
      const asks =
        route.method === "get"
          ? callers
          : route.method === "patch"
            ? callers.slice(0, 5).map((caller) => ({ ...caller, json: { name: "n" } }))
            : [];
      for (const caller of asks) {
        const answer = await web.ask(path, { ...caller, method: route.method.toUpperCase() });
        const text = JSON.stringify([answer.body, [...answer.headers]]);
        expect([route.path, secrets.filter((secret) => text.includes(secret))]).toEqual([route.path, []]);
        if (answer.status === 200 && !route.path.endsWith("openapi.json"))
          fields.set(`${route.method} ${route.path}`, fieldsOf(answer.body));
        answers += 1;
      }
    }
    expect(answers).toBeGreaterThan(50);

    const suspicious = [...fields].flatMap(([route, names]) =>
      [...names]
        .filter(
          (name) =>
            !tellsWhether.test(name) && /password|secret|sha256|hash|private|wrapped|cookie|command|serverNo|fingerprint/i.test(name),
        )
        .map((name) => `${route} ${name}`),
    );
    expect(
      suspicious.filter(
        (field) => !mayHoldSecret.includes(field) && field !== chain && field !== "post /api/v1/enrolment-tokens shortCommand",
      ),
    ).toEqual([]);
  });

  it("show errors of the controller without their cause", async () => {
    const token = await web.token("owner");
    await web.ctx.sql`alter table server_latest rename to gone`;
    const answer = await web.ask("/api/v1/servers", { token });
    await web.ctx.sql`alter table gone rename to server_latest`;
    expect([answer.status, answer.body.code]).toEqual([500, "internal"]);
    expect(JSON.stringify(answer.body)).not.toMatch(/server_latest|relation|postgres|select|at .*\.ts/i);
  });
});
