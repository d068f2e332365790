import { type Permission, permissionTable, type Role, roles } from "@devflow/api";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RouteCast, routeCast } from "../../testing/route-cast.ts";
import { sampleRequest } from "../../testing/route-samples.ts";
import { subscribe } from "../../testing/subscribe.ts";
import { testWeb, type TestWeb } from "../../testing/web.ts";
import type { RouteDefinition } from "../http/index.ts";

/** What answers without credentials; adding to it is a decision, not an accident. */
const open = [
  "get /healthz",
  "get /readyz",
  "get /api/v1/setup",
  "post /api/v1/setup",
  "get /api/v1/session",
  "post /api/v1/session",
  "post /api/v1/session/factor",
  "post /api/v1/session/passkey",
  "post /api/v1/session/passkey/options",
  "post /api/v1/invitations/find",
  "post /api/v1/invitations/register",
  "get /api/v1/session/options",
  "post /api/v1/session/oidc",
  "post /api/v1/session/oidc/complete",
  "post /api/v1/password-resets",
  "post /api/v1/password-resets/complete",
  "post /api/v1/email-verifications",
  "post /api/v1/cli-logins",
  "post /api/v1/cli-logins/collect",
];

/** Walks every registered route and live topic. A route that a feature adds is in this test from its first day. */
describe("every route and topic", () => {
  let web: TestWeb;
  let tokens: Record<Role, string>;
  let foreignOwner: string;
  let cast: RouteCast;

  beforeAll(async () => {
    // Behind a proxy, so that everybody has an address of their own.
    web = await testWeb({ trustedProxies: ["127.0.0.1"], publicUrl: new URL("https://devflow.example.com") });
    tokens = Object.fromEntries(await Promise.all(roles.map(async (role) => [role, await web.token(role)]))) as never;
    foreignOwner = await web.token("owner", await web.organization());
    cast = await routeCast(web);
  });
  afterAll(() => web.close());

  const name = (route: RouteDefinition) => `${route.method} ${route.path}`;
  /** A request without anything that the route wants in its body, about something that is there. */
  const ask = async (route: RouteDefinition, token?: string, id?: string) => {
    const caller = await cast.make("none", "");
    const { path } = id === undefined ? await sampleRequest(name(route), { web, cast, caller, groupId: null }) : { path: route.path };
    return web.ask(path.replace(/\{\w+\}/, id ?? ""), {
      method: route.method.toUpperCase(),
      headers: caller.headers,
      ...(token === undefined ? {} : { token }),
      ...(route.body === undefined ? {} : { json: {} }),
    });
  };
  /** Weakest role that has what is demanded; what no role has by itself (installation.manage, metrics.scrape) is the tokens' of nobody here. */
  const weakest = (demand: string) => {
    const facts = Object.hasOwn(permissionTable, demand) ? permissionTable[demand as Permission] : null;
    return facts === null || facts.within === "installation" ? null : facts.role;
  };
  const weakerThan = (demand: string): readonly Role[] => {
    if (demand === "authenticated" || demand === "public") return [];
    const role = weakest(demand);
    // The default organisation's owner without a maker stands for the first administrator here, as the bootstrap token does.
    return role === null ? roles.filter((name) => name !== "owner") : roles.slice(0, roles.indexOf(role));
  };

  it("is closed without credentials, apart from the known few", async () => {
    expect(
      web.api.routes
        .filter((route) => route.permission === "public")
        .map(name)
        .toSorted(),
    ).toEqual(open.toSorted());
    expect(web.api.openPaths).toEqual(["/robots.txt", "/cli/devflow.mjs", "/install.sh", "/ca.pem", "/agent/*"]);
    for (const route of web.api.routes.filter(({ permission }) => permission !== "public")) {
      for (const token of [undefined, "devflow_api_wrong"]) {
        const answer = await ask(route, token);
        expect([name(route), answer.status, answer.body.code]).toEqual([name(route), 401, "unauthenticated"]);
      }
    }
  });

  it("is forbidden to every weaker role, before its input is looked at", async () => {
    let checked = 0;
    for (const route of web.api.routes) {
      for (const role of weakerThan(route.permission)) {
        const answer = await ask(route, tokens[role]);
        expect([name(route), role, answer.status, answer.body.code]).toEqual([name(route), role, 403, "forbidden"]);
        checked += 1;
      }
    }
    expect(checked).toBeGreaterThan(10);
    const ofInstallation = web.api.routes.filter(({ permission }) => permission === "installation.manage");
    expect(ofInstallation.length).toBeGreaterThan(4);
    for (const route of ofInstallation) expect([name(route), (await ask(route, foreignOwner)).status]).toEqual([name(route), 403]);
  });

  it("hides another organisation's things even from its owner, and what does not exist", async () => {
    const withId = web.api.routes.filter(({ path }) => path.includes("{"));
    expect(withId.length).toBeGreaterThan(4);
    for (const route of withId) {
      // A thing of the whole installation is forbidden to its owner, and as much so when it is not there.
      const [id, status] = route.permission === "installation.manage" ? ["00000000-0000-4000-8000-000000000000", 403] : [undefined, 404];
      expect([name(route), (await ask(route, foreignOwner, id)).status]).toEqual([name(route), status]);
      expect([name(route), (await ask(route, tokens.owner, "00000000-0000-4000-8000-000000000000")).status]).toEqual([name(route), 404]);
      expect([name(route), (await ask(route, tokens.owner, "not-an-id")).status]).toEqual([name(route), 404]);
    }
  });

  it("lets the demanded role through to the input", async () => {
    for (const route of web.api.routes) {
      const role = weakest(route.permission);
      if (role === null) continue;
      const answer = await ask(route, tokens[role]);
      expect([name(route), answer.status]).not.toEqual([name(route), 401]);
      expect([name(route), answer.status]).not.toEqual([name(route), 403]);
      expect(answer.status).toBeLessThan(500);
    }
  });

  it("refuses routes and methods that nobody registered", async () => {
    for (const path of [
      "/api",
      "/api/",
      "/api/v1",
      "/api/v1/nothing",
      "/api/v2/servers",
      "/api/auth/sign-up/email",
      "/api/auth/get-session",
      "/metrics/x",
    ]) {
      expect([path, (await web.ask(path)).status]).toEqual([path, 401]);
      expect([path, (await web.ask(path, { token: tokens.owner })).status]).toEqual([path, 404]);
    }
    for (const method of ["PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"]) {
      const answer = await web.ask("/api/v1/servers", { method, token: tokens.owner });
      expect([method, answer.status, answer.body.code]).toEqual([method, 405, "method_not_allowed"]);
      expect(answer.headers.get("allow")).toBe("GET, HEAD");
    }
  });

  it("refuses a registration without a permission", () => {
    expect(() => web.api.topic({ name: "x", withId: false, permission: "public" as never, open: () => () => {} })).toThrow(/permission/);
  });

  it("hides what does not exist from live topics", async () => {
    const owner = await cast.make("owner", "");
    for (const topic of web.api.topics.filter(({ withId }) => withId)) {
      for (const id of ["00000000-0000-4000-8000-000000000000", "' or 1=1"])
        expect([topic.name, await subscribe(web, owner, `${topic.name}:${id}`)]).toEqual([topic.name, "404"]);
    }
    expect(await subscribe(web, owner, "nothing")).toBe("404");
  });
});
