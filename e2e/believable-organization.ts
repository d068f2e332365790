import { randomUUID } from "node:crypto";
import type { Sql } from "../controller/src/platform/db/index.ts";
import type { ControllerProcess } from "./controller-process.ts";

/** Whoever has the installation, as DEVFLOW_ADMIN_EMAIL and DEVFLOW_ADMIN_PASSWORD say. */
interface Admin {
  readonly email: string;
  readonly password: string;
}

const people = [
  ["Jonas Lindqvist", "jonas", "admin"],
  ["Priya Raman", "priya", "edit"],
  ["Tomás Herrera", "tomas", "deploy"],
  ["Aiko Tanaka", "aiko", "deploy"],
  ["Ngozi Eze", "ngozi", "view"],
  ["Ben Okafor", "ben", "view"],
] as const;
/** Of everybody above. */
const memberPassword = "a quiet afternoon outside";

const HISTORY_HOURS = 48;

/**
 * Fills the organisation of the first administrator as it looks after two days of use: people, teams, roles, invitations,
 * groups, tags, views, tokens, webhooks with deliveries, and what happened meanwhile. After the fleet has its names.
 */
export async function fillOrganization(controller: ControllerProcess, admin: Admin): Promise<void> {
  const send = await signIn(controller, admin);
  const sql = await controller.sql();
  try {
    const { organization } = (await send("GET", "/me")) as { organization: { id: string } };
    const servers = ((await send("GET", "/servers?limit=100")) as { items: { id: string; name: string }[] }).items;
    await sql`update users set name = 'Mira Keller' where email = ${admin.email}`;
    await send("PATCH", "/organization", { name: "Northwind" });
    await writePast(sql, organization.id, servers, admin);
    await addPeople(send, sql);
    await markServers(send, servers);
    await addTokens(send, sql);
    await addWebhooks(send, sql, organization.id, servers);
  } finally {
    await sql.end();
  }
}

type Send = (method: string, path: string, body?: object) => Promise<unknown>;

async function signIn(controller: ControllerProcess, admin: Admin): Promise<Send> {
  let cookie = "";
  const ask = async (method: string, path: string, body?: object): Promise<Response> => {
    const answer = await fetch(`${controller.url}/api/v1${path}`, {
      method,
      headers: { origin: controller.url, cookie, ...(body && { "content-type": "application/json" }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${method} ${path} was answered with ${answer.status}: ${await answer.text()}`);
    return answer;
  };
  const answer = await ask("POST", "/session", admin);
  cookie = answer.headers
    .getSetCookie()
    .map((value) => value.split(";", 1)[0])
    .join("; ");
  return async (method, path, body) => {
    const text = await (await ask(method, path, body)).text();
    return text === "" ? null : (JSON.parse(text) as unknown);
  };
}

const everywhere = (role: string) => ({ role, scope: { kind: "organization" } });

async function addPeople(send: Send, sql: Sql): Promise<void> {
  const teams = new Map<string, string>();
  for (const [name, description] of [
    ["Platform", "Clusters, networks and what everybody stands on"],
    ["Shop", "The shop and its checkout"],
    ["Data", "Databases, search and reports"],
  ] as const)
    teams.set(name, ((await send("POST", "/teams", { name, description })) as { id: string }).id);
  await send("POST", "/roles", {
    name: "Auditor",
    description: "Reads what was done, changes nothing",
    permissions: ["servers.read", "events.read", "members.read", "audit.read"],
  });
  await send("POST", "/roles", {
    name: "Rack hand",
    description: "Adds machines and takes them away",
    permissions: ["servers.read", "servers.edit", "servers.enrol", "servers.remove"],
  });
  for (const [i, [name, mailbox, role]] of people.entries()) {
    const email = `${mailbox}@northwind.example`;
    const { link } = (await send("POST", "/invitations", {
      email,
      grants: [everywhere(role)],
      teamIds: [[...teams.values()][i % teams.size]],
    })) as { link: string };
    await send("POST", "/invitations/register", { code: new URL(link).hash.slice(1), name, email, password: memberPassword });
  }
  await sql`update users set email_verified = true, last_sign_in_at = now() - random() * interval '5 days' where email like '%@northwind.example'`;
  await sql`update users set disabled_at = now() where email = 'ben@northwind.example'`;
  await sql`delete from sessions where user_id in (select id from users where disabled_at is not null)`;
  // Who enrolled the fleet without a browser.
  await sql`delete from users where email = 'bench@example.com'`;
  await send("POST", "/invitations", { email: "lena@northwind.example", grants: [everywhere("edit")] });
  await send("POST", "/invitations", { email: null, grants: [everywhere("view")], expiresInDays: 1 });
  await send("POST", "/groups", {
    name: "Shop edge",
    description: "What customers reach first",
    teamId: teams.get("Shop"),
  });
}

/** Puts the servers into groups and gives them tags, by the first part of their names. */
async function markServers(send: Send, servers: readonly { id: string; name: string }[]): Promise<void> {
  const marks = [
    { name: "Customer facing", description: "Answers people", kinds: ["api", "web", "edge"], tag: "prod", color: "violet" },
    { name: "Data", description: "Holds what must not be lost", kinds: ["db", "cache", "search", "queue"], tag: "stateful", color: "blue" },
    { name: "Internal", description: "", kinds: [""], tag: "internal", color: "amber" },
  ];
  const placed = new Set<string>();
  for (const { name, description, kinds, tag, color } of marks) {
    const group = (await send("POST", "/groups", { name, description })) as { id: string };
    await send("POST", "/tags", { name: tag, color });
    const ids = servers.filter(({ id, name: of }) => !placed.has(id) && kinds.some((kind) => of.startsWith(kind))).map(({ id }) => id);
    for (const id of ids) placed.add(id);
    if (ids.length > 0) await send("POST", "/servers/bulk", { ids, addTags: [tag], groupId: group.id });
  }
  for (const [name, query, shared] of [
    ["Production", { q: "tag:prod" }, true],
    ["Busy", { q: "cpu>50", sort: "-cpu" }, true],
    ["Disks", { sort: "-disk" }, false],
  ] as const)
    await send("POST", "/views", { name, query, shared });
}

async function addTokens(send: Send, sql: Sql): Promise<void> {
  await send("POST", "/tokens", { name: "grafana", role: "view", expiresInDays: 90 });
  await send("POST", "/tokens", { name: "deploy from CI", role: "deploy", expiresInDays: 30 });
  const { token } = (await send("POST", "/tokens", { name: "laptop of last year", role: "edit", expiresInDays: 1 })) as {
    token: { id: string };
  };
  await sql`update api_tokens set expires_at = now() - interval '3 days', created_at = now() - interval '90 days' where id = ${token.id}`;
  for (const [name, description, role] of [
    ["terraform", "Adds and removes servers", "admin"],
    ["status page", "Reads what is up", "view"],
    ["nightly report", "Sums up the day", "view"],
  ] as const) {
    const account = (await send("POST", "/service-accounts", { name, description, grants: [everywhere(role)] })) as { id: string };
    await send("POST", "/tokens", { name: `${name} 1`, role: role === "admin" ? "edit" : "view", serviceAccountId: account.id });
  }
  await send("POST", "/enrolment-tokens", { name: "rack 12" });
  await send("POST", "/enrolment-tokens", { name: "autoscaling, Frankfurt" });
}

/** Numbers between 0 and 1, the same in each run. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 16_807) % 2_147_483_647) / 2_147_483_647;
}

/** Events and rows of the audit log of two days, more by day than by night and a bad hour in between. */
async function writePast(sql: Sql, organizationId: string, servers: readonly { id: string; name: string }[], admin: Admin): Promise<void> {
  const next = numbers(7);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(next() * from.length)]!;
  const now = Date.now();
  const changes = [
    ["server.updated", "servers.update", "server", { after: { tags: ["prod", "eu-west"] }, before: { tags: ["prod"] } }],
    ["server.updated", "servers.update", "server", { after: { group: "Data" }, before: { group: null } }],
    ["token.created", "tokens.create", "token", {}],
    ["member.invited", "invitations.create", "invitation", { email: "sam@northwind.example" }],
    ["grants.changed", "grants.set", "user", { before: { roles: ["view"] }, after: { roles: ["edit"] } }],
    ["group.updated", "groups.update", "group", { before: { description: "" }, after: { description: "Answers people" } }],
  ] as const;
  for (let hour = HISTORY_HOURS; hour > 0; hour -= 1) {
    const start = now - hour * 3_600_000;
    const clock = new Date(start).getUTCHours();
    const bad = hour === 9;
    const count = bad ? 95 : Math.round((clock > 7 && clock < 19 ? 30 : 9) * (0.4 + next()));
    const times = Array.from({ length: count }, () => start + Math.floor(next() * 3_500_000)).toSorted((a, b) => a - b);
    for (const time of times) {
      const at = new Date(time).toISOString();
      const server = pick(servers);
      const [who, mailbox] = pick(people);
      if (bad || next() < 0.55) {
        const type = pick(["server.offline", "server.online"]);
        const data = type === "server.offline" ? { reason: pick(["its connection ended", "nothing came from it for 30 s"]) } : {};
        await sql`insert into events (organization_id, at, type, actor_kind, actor_id, actor_name, subject_kind, subject_id, subject_name, data)
          values (${organizationId}, ${at}, ${type}, 'system', 'system', 'DevFlow', 'server', ${server.id}, ${server.name}, ${sql.json(data)})`;
        continue;
      }
      const [type, action, kind, data] = pick(changes);
      const [subjectId, subjectName] =
        kind === "server" ? [server.id, server.name] : [randomUUID(), pick(["Platform", "rack 12", "Ben Okafor"])];
      await sql`insert into events (organization_id, at, type, actor_kind, actor_id, actor_name, subject_kind, subject_id, subject_name, data)
        values (${organizationId}, ${at}, ${type}, 'user', ${mailbox}, ${who}, ${kind}, ${subjectId}, ${subjectName}, ${sql.json(data)})`;
      const refused = next() < 0.18;
      const { before = null, after = null } = data as { before?: object; after?: object };
      await sql`insert into audit_log (organization_id, at, actor_kind, actor_id, actor_name, address, request_id, action, target_kind, target_id, outcome, before, after)
        values (${organizationId}, ${at}, 'user', ${mailbox}, ${next() < 0.2 ? admin.email : `${mailbox}@northwind.example`}, ${`198.51.100.${Math.floor(next() * 200)}`},
          ${randomUUID()}, ${refused ? "DELETE /api/v1/servers/{id}" : action}, ${kind}, ${subjectId}, ${refused ? "refused" : "done"},
          ${refused || before === null ? null : sql.json(before as never)}, ${refused || after === null ? null : sql.json(after as never)})`;
    }
  }
}

async function addWebhooks(send: Send, sql: Sql, organizationId: string, servers: readonly { id: string; name: string }[]): Promise<void> {
  const next = numbers(11);
  // What does not happen while pictures are taken: nobody answers at these addresses.
  const types = ["server.revoked", "server.quarantined"];
  for (const [name, url, failing] of [
    ["Chat of operations", "https://chat.northwind.example/hooks/operations", "once"],
    ["Tickets", "https://tickets.northwind.example/api/v2/inbox?project=infrastructure", "always"],
    ["Warehouse", "https://warehouse.northwind.example/devflow", "never"],
  ] as const) {
    const { webhook } = (await send("POST", "/webhooks", { name, url, types })) as { webhook: { id: string } };
    for (let hour = 24; hour > 0; hour -= 1) {
      for (let n = Math.floor(next() * 6); n > 0; n -= 1) {
        const at = new Date(Date.now() - hour * 3_600_000 + next() * 3_500_000).toISOString();
        const failed = failing === "always" ? hour < 12 : failing === "once" && (hour === 9 || hour === 8);
        const waiting = failed && hour < 4;
        const type = next() < 0.5 ? "server.offline" : "server.online";
        const server = servers[Math.floor(next() * servers.length)]!;
        const body = { id: randomUUID(), type, at, subject: { kind: "server", id: server.id, name: server.name }, data: {} };
        const attempt = {
          at,
          durationMs: 40 + Math.floor(next() * 400),
          requestHeaders: { "content-type": "application/json", "webhook-id": body.id },
          status: failed ? 503 : 204,
          responseHeaders: { server: "nginx", "content-length": "0" },
          responseBody: failed ? "upstream is away" : "",
          error: failed ? "answered with 503 Service Unavailable" : null,
        };
        await sql`insert into webhook_deliveries (organization_id, webhook_id, event_id, type, body, state, attempts, next_attempt_at, created_at, finished_at, log)
          values (${organizationId}, ${webhook.id}, ${body.id}, ${type}, ${JSON.stringify(body)}, ${waiting ? "waiting" : failed ? "failed" : "delivered"},
            ${failed ? 7 : 1}, ${waiting ? new Date(Date.now() + 3_600_000).toISOString() : null}, ${at}, ${waiting ? null : at}, ${sql.json([attempt])})`;
      }
    }
    if (failing === "always") await sql`update webhooks set failing_since = now() - interval '11 hours' where id = ${webhook.id}`;
  }
}
