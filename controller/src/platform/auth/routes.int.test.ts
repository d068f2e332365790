import { type Permission, permissionTable, type Role, roles } from "@devflow/api";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
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
  /** Ids that exist in the default organisation, by the path in front of {id}. */
  let ids: Record<string, () => Promise<string>>;

  beforeAll(async () => {
    web = await testWeb();
    tokens = Object.fromEntries(await Promise.all(roles.map(async (role) => [role, await web.token(role)]))) as never;
    foreignOwner = await web.token("owner", await web.organization());
    const webhook = async () => {
      const [row] = await web.ctx.sql<{ id: string }[]>`
        insert into webhooks (organization_id, name, url, types, sealed_secret)
        values (${web.ctx.installation.defaultOrganizationId}, 'w', 'https://example.com/', '{*}', '\\x00') returning id`;
      return row!.id;
    };
    ids = {
      "/api/v1/servers": () => web.server(),
      // A person's own, which no token has: not found for all of them.
      "/api/v1/me/sessions": async () => "session",
      "/api/v1/me/linked": async () => "linked",
      "/api/v1/me/passkeys": async () => "passkey",
      "/api/v1/tokens": async () => {
        await web.token("view");
        const [row] = await web.ctx.sql<
          { id: string }[]
        >`select id from api_tokens where name = 'view' and revoked_at is null order by created_at desc limit 1`;
        return row!.id;
      },
      "/api/v1/members": async () => {
        const [row] = await web.ctx.sql<{ id: string }[]>`
          with made as (insert into users (id, name, email) values (gen_random_uuid()::text, 'm', gen_random_uuid() || '@example.com') returning id)
          insert into memberships (organization_id, user_id) select ${web.ctx.installation.defaultOrganizationId}, id from made returning user_id as id`;
        return row!.id;
      },
      "/api/v1/webhooks": async () => webhook(),
      "/api/v1/webhook-deliveries": async () => {
        const [row] = await web.ctx.sql<{ id: string }[]>`
          insert into webhook_deliveries (organization_id, webhook_id, event_id, type, body, state)
          values (${web.ctx.installation.defaultOrganizationId}, ${await webhook()}, gen_random_uuid(), 'webhook.test', '{}', 'delivered') returning id`;
        return row!.id;
      },
      "/api/v1/groups": async () => {
        const [row] = await web.ctx.sql<{ id: string }[]>`
          insert into server_groups (organization_id, name) values (${web.ctx.installation.defaultOrganizationId}, gen_random_uuid()::text) returning id`;
        return row!.id;
      },
      "/api/v1/teams": async () => {
        const [row] = await web.ctx.sql<{ id: string }[]>`
          insert into teams (organization_id, name) values (${web.ctx.installation.defaultOrganizationId}, gen_random_uuid()::text) returning id`;
        return row!.id;
      },
      "/api/v1/roles": async () => {
        const [row] = await web.ctx.sql<{ id: string }[]>`
          insert into custom_roles (organization_id, name, permissions)
          values (${web.ctx.installation.defaultOrganizationId}, gen_random_uuid()::text, '{servers.read}') returning id`;
        return row!.id;
      },
      "/api/v1/invitations": async () => {
        const [row] = await web.ctx.sql<{ id: string }[]>`
          insert into invitations (organization_id, sha256, grants, expires_at)
          values (${web.ctx.installation.defaultOrganizationId}, gen_random_uuid()::text, '[{"role":"view","scope":{"kind":"organization"}}]', now() + interval '1 hour') returning id`;
        return row!.id;
      },
      "/api/v1/views": async () => {
        const [row] = await web.ctx.sql<{ id: string }[]>`
          with made as (insert into users (id, name, email) values (gen_random_uuid()::text, 'v', gen_random_uuid() || '@example.com') returning id)
          insert into saved_views (organization_id, user_id, name, query, shared)
          select ${web.ctx.installation.defaultOrganizationId}, id, 'v', '{}', true from made returning id`;
        return row!.id;
      },
      "/api/v1/service-accounts": async () => {
        const [row] = await web.ctx.sql<{ id: string }[]>`
          insert into service_accounts (organization_id, name) values (${web.ctx.installation.defaultOrganizationId}, gen_random_uuid()::text) returning id`;
        return row!.id;
      },
      "/api/v1/enrolment-tokens": async () => {
        const [row] = await web.ctx.sql<
          { id: string }[]
        >`insert into enrolment_tokens (organization_id, name, prefix, sha256, max_uses, expires_at)
          values (${web.ctx.installation.defaultOrganizationId}, 'e', 'dfe_', gen_random_uuid()::text, 1, now() + interval '1 hour') returning id`;
        return row!.id;
      },
    };
  });
  afterAll(() => web.close());

  const withIds = async (route: RouteDefinition, id?: string) => {
    const parent = route.path.split("/{")[0]!;
    if (!route.path.includes("{")) return route.path;
    const make = ids[parent];
    if (make === undefined) throw new Error(`${route.path}: tell this test how to make an id under ${parent}`);
    return route.path.replace(/\{\w+\}/, id ?? (await make()));
  };
  const ask = async (route: RouteDefinition, token?: string, id?: string) =>
    web.ask(await withIds(route, id), {
      method: route.method.toUpperCase(),
      ...(token === undefined ? {} : { token }),
      ...(route.body === undefined ? {} : { json: {} }),
    });
  /** Weakest role that has what is demanded; what no role has (installation.manage) is the tokens' of nobody here. */
  const weakest = (demand: string) => (Object.hasOwn(permissionTable, demand) ? permissionTable[demand as Permission].role : null);
  const weakerThan = (demand: string): readonly Role[] => {
    if (demand === "authenticated" || demand === "public") return [];
    const role = weakest(demand);
    // The default organisation's owner without a maker stands for the first administrator here, as the bootstrap token does.
    return role === null ? roles.filter((name) => name !== "owner") : roles.slice(0, roles.indexOf(role));
  };
  const name = (route: RouteDefinition) => `${route.method} ${route.path}`;

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
      expect([name(route), (await ask(route, foreignOwner)).status]).toEqual([name(route), 404]);
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

  it("decides about live topics as about routes", async () => {
    const server = await web.server();
    const subscribe = (token: string | null, topic: string) =>
      new Promise<string>((resolve, reject) => {
        const socket = new WebSocket(
          `${web.origin.replace("http", "ws")}/api/v1/live`,
          token === null ? {} : { headers: { authorization: `Bearer ${token}` } },
        );
        socket.on("unexpected-response", (_request, response) => resolve(`http ${response.statusCode}`));
        socket.on("open", () => socket.send(JSON.stringify({ type: "subscribe", topic })));
        socket.on("message", (data: Buffer) => {
          const message = JSON.parse(data.toString()) as { type: string; code?: string };
          resolve(message.code ?? message.type);
          socket.terminate();
        });
        socket.on("error", reject);
      });
    const exampleOf = (topic: { name: string; withId: boolean }, id = server) => (topic.withId ? `${topic.name}:${id}` : topic.name);
    expect(web.api.topics.length).toBeGreaterThan(1);
    for (const topic of web.api.topics) {
      expect([topic.name, await subscribe(null, exampleOf(topic))]).toEqual([topic.name, "http 401"]);
      expect([topic.name, await subscribe(tokens[weakest(topic.permission)!], exampleOf(topic))]).toEqual([topic.name, "subscribed"]);
      for (const role of weakerThan(topic.permission))
        expect([topic.name, await subscribe(tokens[role], exampleOf(topic))]).toEqual([topic.name, "forbidden"]);
      if (!topic.withId) continue;
      expect([topic.name, await subscribe(foreignOwner, exampleOf(topic))]).toEqual([topic.name, "not_found"]);
      expect([topic.name, await subscribe(tokens.owner, exampleOf(topic, "00000000-0000-4000-8000-000000000000"))]).toEqual([
        topic.name,
        "not_found",
      ]);
      expect([topic.name, await subscribe(tokens.owner, exampleOf(topic, "' or 1=1"))]).toEqual([topic.name, "not_found"]);
    }
    expect(await subscribe(tokens.owner, "nothing")).toBe("not_found");
  });
});
