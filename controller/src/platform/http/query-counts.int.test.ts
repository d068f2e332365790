import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { testWeb, type TestWeb } from "../../testing/web.ts";

/**
 * Queries of each GET, by route. A list asks the database as often for twenty things as for one. A new route gets its
 * line here; more queries than before want a reason.
 */
const queries: Record<string, number> = {
  "/api/docs": 0,
  "/api/v1/audit": 1,
  "/api/v1/audit/contradictions": 1,
  "/api/v1/audit/counts": 1,
  "/api/v1/enrolment-tokens": 2,
  "/api/v1/events": 1,
  "/api/v1/events/counts": 1,
  "/api/v1/groups": 1,
  "/api/v1/groups/{id}": 2,
  "/api/v1/groups/{id}/grants": 6,
  "/api/v1/invitations": 5,
  "/api/v1/me": 2,
  "/api/v1/me/factors": 6,
  "/api/v1/me/first-steps": 1,
  "/api/v1/me/sessions": 2,
  "/api/v1/members": 3,
  "/api/v1/openapi.json": 0,
  "/api/v1/organizations": 1,
  "/api/v1/roles": 7,
  "/api/v1/servers": 1,
  "/api/v1/servers/sparklines": 2,
  "/api/v1/servers/summary": 1,
  "/api/v1/servers/{id}": 2,
  "/api/v1/servers/{id}/metrics": 3,
  "/api/v1/service-accounts": 2,
  "/api/v1/service-accounts/{id}": 3,
  "/api/v1/session": 2,
  "/api/v1/session/options": 2,
  "/api/v1/settings/audit-retention": 1,
  "/api/v1/settings/event-retention": 1,
  "/api/v1/settings/mail": 2,
  "/api/v1/settings/metric-retention": 1,
  "/api/v1/settings/oidc": 1,
  "/api/v1/settings/organizations": 1,
  "/api/v1/settings/outgoing": 1,
  "/api/v1/settings/security": 1,
  "/api/v1/setup": 1,
  "/api/v1/tags": 1,
  "/api/v1/teams": 4,
  "/api/v1/teams/{id}": 6,
  "/api/v1/tokens": 2,
  "/api/v1/users": 1,
  "/api/v1/views": 1,
  "/api/v1/webhooks": 2,
  "/api/v1/webhooks/{id}": 3,
  "/api/v1/webhooks/{id}/deliveries": 2,
  "/api/v1/webhooks/{id}/deliveries/counts": 2,
  "/readyz": 1,
};

/** Streams, probes, and what needs something that is not in the database. */
const leftOut = [
  "/api/v1/audit/export",
  "/api/v1/cli-logins",
  "/api/v1/events/stream",
  "/api/v1/organization/export",
  "/api/v1/servers/{id}/inventory",
  "/api/v1/webhook-deliveries/{id}",
  "/healthz",
  "/metrics",
];

/** What a route needs beside its id. */
const asked = (path: string, serverId: string): string => {
  if (path === "/api/v1/servers/sparklines") return `?ids=${serverId}`;
  return path === "/api/v1/servers/{id}/metrics" ? "?metrics=host.cpu_busy&from=2026-01-01T00:00:00Z&to=2026-01-01T01:00:00Z" : "";
};

describe("queries of each GET", () => {
  let web: TestWeb;
  let cookie: string;
  let counted = 0;
  const ids: Record<string, string> = {};

  beforeAll(async () => {
    web = await testWeb();
    cookie = await web.signIn();
    (web.ctx.sql.options as { debug?: unknown }).debug = () => void (counted += 1);
  });
  afterAll(() => web.close());

  /** One more of everything that lists show, related to each other. */
  const more = async (): Promise<void> => {
    const { sql, installation } = web.ctx;
    const organization = installation.defaultOrganizationId;
    const [user, team, group, role, token, service, serviceToken, webhook] = Array.from({ length: 8 }, () => randomUUID());
    const name = `n-${user}`;
    await sql`insert into users (id, name, email) values (${user!}, ${name}, ${`${user}@example.com`})`;
    await sql`insert into memberships (organization_id, user_id) values (${organization}, ${user!})`;
    await sql`insert into teams (id, organization_id, name) values (${team!}, ${organization}, ${name})`;
    await sql`insert into team_members (team_id, organization_id, user_id) values (${team!}, ${organization}, ${user!})`;
    await sql`insert into server_groups (id, organization_id, name, team_id) values (${group!}, ${organization}, ${name}, ${team!})`;
    await sql`insert into custom_roles (id, organization_id, name, permissions) values (${role!}, ${organization}, ${name}, '{servers.read}')`;
    await sql`insert into tags (organization_id, name, color) values (${organization}, ${name}, 'blue')`;
    const server = await web.server({ name });
    await sql`update servers set group_id = ${group!}, tags = array[${name}] where id = ${server}`;
    await sql`insert into service_accounts (id, organization_id, name) values (${service!}, ${organization}, ${name})`;
    const [anna] = await sql<{ id: string }[]>`select id from users where email = 'anna@example.com'`;
    await sql`insert into api_tokens (id, organization_id, name, prefix, sha256, created_by) values (${token!}, ${organization}, ${name}, 'x', ${token!}, ${anna!.id})`;
    await sql`insert into api_tokens (id, organization_id, name, prefix, sha256, service_account_id) values (${serviceToken!}, ${organization}, ${name}, 'x', ${serviceToken!}, ${service!})`;
    await sql`insert into saved_views (organization_id, user_id, name, query, shared) values (${organization}, ${user!}, ${name}, '{}', true)`;
    await sql`insert into invitations (organization_id, sha256, grants, team_ids, invited_by, expires_at)
      values (${organization}, ${name}, ${`[{"role":"view","scope":{"kind":"group","id":"${group}"}},{"role":"${role}","scope":{"kind":"organization"}}]`}::text::jsonb, array[${team!}::uuid], ${user!}, now() + interval '1 hour')`;
    await sql`insert into enrolment_tokens (organization_id, name, prefix, sha256, max_uses, expires_at) values (${organization}, ${name}, 'e', ${name}, 1, now() + interval '1 hour')`;
    await sql`insert into events (organization_id, type, actor_kind, actor_id, actor_name, subject_kind, subject_id, subject_name, data)
      values (${organization}, 'team.created', 'user', ${user!}, ${name}, 'team', ${team!}, ${name}, '{}')`;
    await sql`insert into sessions (id, user_id, token, expires_at) values (${user!}, ${anna!.id}, ${user!}, now() + interval '1 hour')`;
    await sql`insert into webhooks (id, organization_id, name, url, types, sealed_secret) values (${webhook!}, ${organization}, ${name}, 'https://example.com/', '{*}', '\\x00')`;
    const held = [
      ["user", user!],
      ["team", team!],
      ["service", service!],
      ["token", token!],
      ["token", serviceToken!],
    ] as const;
    for (const [kind, id] of held) {
      await sql`insert into grants (organization_id, principal_kind, principal_id, role, scope_kind, scope_id)
        values (${organization}, ${kind}, ${id}, 'view', 'group', ${group!})`;
      await sql`insert into grants (organization_id, principal_kind, principal_id, role_id, scope_kind, scope_id)
        values (${organization}, ${kind}, ${id}, ${role!}, 'organization', ${organization})`;
    }
    Object.assign(ids, {
      "/api/v1/servers": server,
      "/api/v1/groups": group,
      "/api/v1/teams": team,
      "/api/v1/service-accounts": service,
      "/api/v1/roles": role,
      "/api/v1/webhooks": webhook,
    });
  };

  const countOne = async (address: string): Promise<number> => {
    // Who asks is looked up before it counts.
    await web.ask("/api/v1/me", { cookie });
    const before = counted;
    const { status } = await web.ask(address, { cookie });
    expect([address, status]).toEqual([address, 200]);
    return counted - before;
  };

  const count = async (): Promise<Record<string, number>> => {
    const counts: Record<string, number> = {};
    for (const { method, path } of web.api.routes) {
      if (method !== "get" || leftOut.includes(path)) continue;
      const id = ids[path.split("/{")[0]!];
      const at = id === undefined ? path : path.replace("{id}", id);
      const address = at + asked(path, ids["/api/v1/servers"]!);
      // The smaller of two, since something in the background may have asked as well.
      const [a, b] = [await countOne(address), await countOne(address)];
      counts[path] = Math.min(a, b);
    }
    return counts;
  };

  it("looks a session up with three queries, and not again for some seconds", async () => {
    const session = async () => {
      const before = counted;
      const { status } = await web.ask("/api/v1/openapi.json", { cookie });
      expect(status).toBe(200);
      return counted - before;
    };
    const [anna] = await web.ctx.sql<{ id: string }[]>`select id from users where email = 'anna@example.com'`;
    const anew = async () => {
      // As after a change of roles: all that is known of the user is dropped.
      web.ctx.bus.emit("principal.revoked", { kind: "user", id: anna!.id });
      return session();
    };
    // Two by better-auth, for the session and its user; one for all else. The smallest, as for routes.
    const counts = [await anew(), await anew(), await anew()];
    expect([Math.min(...counts), await session()]).toEqual([3, 0]);
  });

  it("does not grow with the number of things, and is as stated", async () => {
    await more();
    await count();
    const one = await count();
    for (let i = 0; i < 19; i++) await more();
    const twenty = await count();
    expect(twenty).toEqual(one);
    expect(one).toEqual(queries);
  });
});
