import { randomUUID } from "node:crypto";
import { codeHash as cliCodeHash, newDeviceCode, newUserCode } from "../features/cli/codes.ts";
import { codeHash as invitationHash, newCode } from "../features/organizations/invitations/code.ts";
import { type Caller, castPassword, type RouteCast } from "./route-cast.ts";
import type { TestWeb } from "./web.ts";

/** What a request for a route is made with: everything it names is made for it, in the default organisation. */
export interface Stage {
  readonly web: TestWeb;
  readonly cast: RouteCast;
  readonly caller: Caller;
  /** Where things belong that can be in a group. */
  readonly groupId: string | null;
}

interface Sample {
  /** In place of {id}. */
  readonly id?: string;
  /** "?name=x" */
  readonly search?: string;
  readonly json?: unknown;
}

type Make = (stage: Stage) => Sample | Promise<Sample>;

const name = () => `n-${randomUUID().slice(0, 13)}`;
const everywhere = (role: string) => ({ role, scope: { kind: "organization" } });
const home = ({ web }: Stage) => web.ctx.installation.defaultOrganizationId;

async function inserted(stage: Stage, query: (sql: Stage["web"]["ctx"]["sql"], organization: string) => PromiseLike<unknown>) {
  const rows = (await query(stage.web.ctx.sql, home(stage))) as { id: string }[];
  return rows[0]!.id;
}

/** A member of the default organisation, with a role. */
const member = async (stage: Stage): Promise<string> => {
  const id = randomUUID();
  const { sql } = stage.web.ctx;
  await sql`insert into users (id, name, email) values (${id}, 'Member', ${`${id}@example.com`})`;
  await sql`insert into memberships (organization_id, user_id) values (${home(stage)}, ${id})`;
  await sql`insert into grants (organization_id, principal_kind, principal_id, role, scope_kind, scope_id)
    values (${home(stage)}, 'user', ${id}, 'view', 'organization', ${home(stage)})`;
  return id;
};
const facts = {
  ...Object.fromEntries(["hostname", "osName", "osId", "osVersion", "kernel", "architecture", "virtualization"].map((key) => [key, "x"])),
  ...Object.fromEntries(["cpuModel", "timeZone", "init", "cloud", "product", "runtimeVersion", "chassis"].map((key) => [key, "x"])),
  ...Object.fromEntries(["cpuThreads", "cpuCores", "memoryBytes", "swapBytes"].map((key) => [key, 1])),
  ...Object.fromEntries(["blockDevices", "filesystems", "interfaces", "listeningPorts", "gpus", "memoryModules"].map((key) => [key, []])),
  bootTime: "2026-01-01T00:00:00Z",
  rebootRequired: false,
  hasBattery: false,
  updatesPending: null,
  securityUpdatesPending: null,
};
const server = (stage: Stage) =>
  inserted(
    stage,
    (sql, organization) =>
      sql`with made as (insert into servers (organization_id, name, hostname, group_id) values (${organization}, ${name()}, 'h', ${stage.groupId}) returning id)
          insert into inventories (server_id, organization_id, facts) select id, ${organization}, ${JSON.stringify(facts)}::text::jsonb from made returning server_id as id`,
  );
const group = (stage: Stage) =>
  stage.groupId === null
    ? inserted(
        stage,
        (sql, organization) => sql`insert into server_groups (organization_id, name) values (${organization}, ${name()}) returning id`,
      )
    : Promise.resolve(stage.groupId);
const team = (stage: Stage) =>
  inserted(stage, (sql, organization) => sql`insert into teams (organization_id, name) values (${organization}, ${name()}) returning id`);
const role = (stage: Stage) =>
  inserted(
    stage,
    (sql, organization) =>
      sql`insert into custom_roles (organization_id, name, permissions) values (${organization}, ${name()}, '{servers.read}') returning id`,
  );
const invitation = async (stage: Stage, code = newCode()) =>
  inserted(
    stage,
    (sql, organization) => sql`
      insert into invitations (organization_id, sha256, grants, expires_at, invited_by, inviter_id)
      values (${organization}, ${invitationHash(code)}, '[{"role":"view","scope":{"kind":"organization"}}]', now() + interval '1 hour',
              ${stage.cast.ownerId}, ${stage.cast.ownerId}) returning id`,
  );
const serviceAccount = (stage: Stage) =>
  inserted(
    stage,
    (sql, organization) => sql`insert into service_accounts (organization_id, name) values (${organization}, ${name()}) returning id`,
  );
const webhook = (stage: Stage) =>
  inserted(
    stage,
    (sql, organization) => sql`
      insert into webhooks (organization_id, name, url, types, sealed_secret)
      values (${organization}, ${name()}, 'https://example.com/', '{*}', '\\x00') returning id`,
  );
const delivery = async (stage: Stage) => {
  const webhookId = await webhook(stage);
  return inserted(
    stage,
    (sql, organization) => sql`
      insert into webhook_deliveries (organization_id, webhook_id, event_id, type, body, state)
      values (${organization}, ${webhookId}, gen_random_uuid(), 'webhook.test', '{}', 'delivered') returning id`,
  );
};
/** A token of somebody else. */
const token = async (stage: Stage) => {
  const maker = await member(stage);
  return inserted(
    stage,
    (sql, organization) => sql`
      insert into api_tokens (organization_id, name, prefix, sha256, created_by)
      values (${organization}, ${name()}, 'devflow_api_', gen_random_uuid()::text, ${maker}) returning id`,
  );
};
const enrolmentToken = (stage: Stage) =>
  inserted(
    stage,
    (sql, organization) => sql`
      insert into enrolment_tokens (organization_id, name, prefix, sha256, max_uses, expires_at, group_id)
      values (${organization}, ${name()}, 'dfe_', gen_random_uuid()::text, 1, now() + interval '1 hour', ${stage.groupId}) returning id`,
  );
/** A shared view of somebody else. */
const view = async (stage: Stage) => {
  const maker = await member(stage);
  return inserted(
    stage,
    (sql, organization) => sql`
      insert into saved_views (organization_id, user_id, name, query, shared) values (${organization}, ${maker}, ${name()}, '{}', true) returning id`,
  );
};
const tag = async (stage: Stage) => {
  const made = name();
  await stage.web.ctx.sql`insert into tags (organization_id, name, color) values (${home(stage)}, ${made}, 'blue')`;
  return made;
};
/** A program that waits to be confirmed. */
const cliLogin = async ({ web }: Stage) => {
  const [userCode, deviceCode] = [newUserCode(), newDeviceCode()];
  await web.ctx.sql`insert into cli_logins (user_code_hash, device_code_hash, client, address, created_at, expires_at)
    values (${cliCodeHash(web.ctx.masterKey, "user", userCode)}, ${cliCodeHash(web.ctx.masterKey, "device", deviceCode)}, 'devflow', '10.0.0.1', now(), now() + interval '9 minutes')`;
  return { userCode, deviceCode };
};

/** What is the caller's own; of somebody else when a program or nobody asks. */
const ownerOf = async (stage: Stage) => stage.caller.userId ?? (await member(stage));
const passkey = async (stage: Stage) => {
  const userId = await ownerOf(stage);
  return inserted(
    stage,
    (sql) => sql`insert into passkeys (id, user_id, name, public_key, counter, transports, backed_up)
                 values (${randomUUID()}, ${userId}, 'key', '\\x00', 0, '{}', false) returning id`,
  );
};
const session = async (stage: Stage) => {
  const userId = await ownerOf(stage);
  return inserted(
    stage,
    (sql) =>
      sql`insert into sessions (id, user_id, token, expires_at) values (${randomUUID()}, ${userId}, ${randomUUID()}, now() + interval '1 hour') returning id`,
  );
};
const linked = async (stage: Stage) => {
  const userId = await ownerOf(stage);
  return inserted(
    stage,
    (sql) =>
      sql`insert into accounts (id, account_id, provider_id, user_id) values (${randomUUID()}, ${randomUUID()}, 'oidc:https://id.example.com', ${userId}) returning id`,
  );
};

/** The caller's authenticator. */
const authenticator: Make = async ({ web, caller }) => {
  if (caller.userId !== null)
    await web.ctx.sql`insert into totp_factors (user_id, sealed, enabled_at) values (${caller.userId}, '\\x00', now())`;
  return {};
};

const by = (make: (stage: Stage) => Promise<string>, json?: (stage: Stage) => unknown): Make => {
  return async (stage) => ({ id: await make(stage), ...(json === undefined ? {} : { json: await json(stage) }) });
};
const body =
  (json: (stage: Stage) => unknown): Make =>
  async (stage) => ({ json: await json(stage) });
const hour = "from=2026-01-01T00:00:00Z&to=2026-01-01T01:00:00Z";

/** How each route is asked so that whoever may gets what they want. A route that is not here is asked by its path alone. */
const samples: Readonly<Record<string, Make>> = {
  "post /api/v1/cli-logins": body(() => ({ client: "devflow" })),
  "get /api/v1/cli-logins": async (stage) => ({ search: `?code=${(await cliLogin(stage)).userCode}` }),
  "post /api/v1/cli-logins/collect": body(async (stage) => ({ deviceCode: (await cliLogin(stage)).deviceCode })),
  "post /api/v1/cli-logins/confirm": body(async (stage) => ({
    userCode: (await cliLogin(stage)).userCode,
    address: "10.0.0.1",
    name: "laptop",
    role: "view",
    expiresInDays: 1,
  })),
  "post /api/v1/cli-logins/deny": body(async (stage) => ({ userCode: (await cliLogin(stage)).userCode })),
  "post /api/v1/email-verifications": body(() => ({ token: "wrong" })),
  "post /api/v1/enrolment-tokens": body(({ groupId }) => ({ groupId })),
  "delete /api/v1/enrolment-tokens/{id}": by(enrolmentToken),
  "post /api/v1/groups": body(() => ({ name: name() })),
  "get /api/v1/groups/{id}": by(group),
  "patch /api/v1/groups/{id}": by(group, () => ({ description: name() })),
  "delete /api/v1/groups/{id}": by(group),
  "get /api/v1/groups/{id}/grants": by(group),
  "put /api/v1/groups/{id}/grants": by(group, async (stage) => ({ principal: { kind: "user", id: await member(stage) }, role: "view" })),
  "delete /api/v1/groups/{id}/grants": async (stage) => {
    const [id, holder] = [await group(stage), await member(stage)];
    await stage.web.ctx.sql`insert into grants (organization_id, principal_kind, principal_id, role, scope_kind, scope_id)
      values (${home(stage)}, 'user', ${holder}, 'view', 'group', ${id})`;
    return { id, search: `?principalKind=user&principalId=${holder}` };
  },
  "post /api/v1/invitations": body(() => ({ email: null, grants: [everywhere("view")] })),
  "post /api/v1/invitations/accept": body(async (stage) => {
    const code = newCode();
    await invitation(stage, code);
    return { code };
  }),
  "post /api/v1/invitations/find": body(async (stage) => {
    const code = newCode();
    await invitation(stage, code);
    return { code };
  }),
  "post /api/v1/invitations/register": body(async (stage) => {
    const code = newCode();
    await invitation(stage, code);
    return { code, name: "New", email: `${name()}@example.com`, password: castPassword };
  }),
  "delete /api/v1/invitations/{id}": by(invitation),
  "post /api/v1/invitations/{id}/send": by(invitation),
  "patch /api/v1/me": body(() => ({ name: name() })),
  "put /api/v1/me/first-steps": body(() => ({ away: true })),
  "put /api/v1/me/default-view": body(() => ({ viewId: null })),
  "post /api/v1/me/email": body(() => ({ email: `${name()}@example.com` })),
  "delete /api/v1/me/linked/{id}": by(linked),
  "post /api/v1/me/passkeys": body(() => ({ name: "key", response: {} })),
  "patch /api/v1/me/passkeys/{id}": by(passkey, () => ({ name: name() })),
  "delete /api/v1/me/passkeys/{id}": by(passkey),
  "post /api/v1/me/password": body(() => ({ currentPassword: castPassword, newPassword: `${castPassword} more` })),
  "post /api/v1/me/recovery-codes": authenticator,
  "delete /api/v1/me/sessions/{id}": by(session),
  "delete /api/v1/me/totp": authenticator,
  "post /api/v1/me/totp": body(() => ({ password: castPassword })),
  "post /api/v1/me/totp/enable": body(() => ({ code: "000000" })),
  "delete /api/v1/members/{id}": by(member),
  "put /api/v1/members/{id}/grants": by(member, () => ({ grants: [everywhere("view")] })),
  "patch /api/v1/organization": body(() => ({ name: "Home" })),
  "post /api/v1/organization/deletion": body(async (stage) => {
    const [row] = await stage.web.ctx.sql<{ name: string }[]>`select name from organizations where id = ${home(stage)}`;
    return { name: row!.name };
  }),
  "post /api/v1/organizations": body(() => ({ name: name() })),
  "post /api/v1/password-resets": body(({ caller }) => ({ email: caller.email ?? "nobody@example.com" })),
  "post /api/v1/password-resets/complete": body(() => ({ token: "wrong", password: castPassword })),
  "post /api/v1/roles": body(() => ({ name: name(), permissions: ["servers.read"] })),
  "patch /api/v1/roles/{id}": by(role, () => ({ description: name() })),
  "delete /api/v1/roles/{id}": by(role),
  "post /api/v1/servers/bulk": body(async (stage) => ({ ids: [await server(stage)], addTags: ["t"] })),
  "get /api/v1/servers/sparklines": async (stage) => ({ search: `?ids=${await server(stage)}` }),
  "get /api/v1/servers/{id}": by(server),
  "patch /api/v1/servers/{id}": by(server, () => ({ name: name() })),
  "delete /api/v1/servers/{id}": by(server),
  "get /api/v1/servers/{id}/inventory": by(server),
  "get /api/v1/servers/{id}/metrics": async (stage) => ({ id: await server(stage), search: `?metrics=host.cpu_busy&${hour}` }),
  "post /api/v1/servers/{id}/release": async (stage) => {
    const id = await server(stage);
    await stage.web.ctx.sql`update servers set quarantined_at = now() where id = ${id}`;
    return { id };
  },
  "post /api/v1/servers/{id}/revoke": by(server),
  "post /api/v1/service-accounts": body(() => ({ name: name(), grants: [everywhere("view")] })),
  "get /api/v1/service-accounts/{id}": by(serviceAccount),
  "patch /api/v1/service-accounts/{id}": by(serviceAccount, () => ({ description: name() })),
  "delete /api/v1/service-accounts/{id}": by(serviceAccount),
  "post /api/v1/session": body(({ caller }) => ({ email: caller.email ?? "nobody@example.com", password: castPassword })),
  "post /api/v1/session/confirm": body(() => ({ method: "password", password: castPassword })),
  "post /api/v1/session/factor": body(() => ({ challenge: "wrong", method: "totp", code: "000000" })),
  "post /api/v1/session/oidc": body(() => ({ purpose: "sign-in" })),
  "post /api/v1/session/oidc/complete": body(() => ({ url: "https://devflow.example.com/sign-in/oidc?state=wrong" })),
  "post /api/v1/session/organization": body((stage) => ({ organizationId: home(stage) })),
  "post /api/v1/session/passkey": body(() => ({ response: {} })),
  "put /api/v1/settings/audit-retention": body(() => ({ days: 365 })),
  "put /api/v1/settings/metric-retention": body(() => ({ tenSecondDays: 14, minuteDays: 90, hourDays: 730 })),
  "put /api/v1/settings/event-retention": body(() => ({ days: 365 })),
  "put /api/v1/settings/mail": body(() => ({
    host: "127.0.0.1",
    port: 1,
    encryption: "none",
    user: null,
    from: "devflow@example.com",
    certificateAuthority: null,
  })),
  "post /api/v1/settings/mail/test": body(() => ({ to: "somebody@example.com" })),
  "put /api/v1/settings/oidc": body(() => ({
    issuer: "http://127.0.0.1:1",
    clientId: "devflow",
    scopes: "openid email",
    allowedDomains: [],
    newMembers: null,
    label: "Provider",
  })),
  "put /api/v1/settings/organizations": body(() => ({ creation: "administrators", deletionGraceDays: 30 })),
  "put /api/v1/settings/outgoing": body(() => ({ allowed: [] })),
  "put /api/v1/settings/security": body(() => ({ checkBreachedPasswords: false })),
  "post /api/v1/setup": body(() => ({ code: "wrong", name: "New", email: `${name()}@example.com`, password: castPassword })),
  "post /api/v1/tags": body(() => ({ name: name() })),
  "patch /api/v1/tags": async (stage) => ({ search: `?name=${await tag(stage)}`, json: { color: "teal" } }),
  "delete /api/v1/tags": async (stage) => ({ search: `?name=${await tag(stage)}` }),
  "post /api/v1/teams": body(() => ({ name: name() })),
  "get /api/v1/teams/{id}": by(team),
  "patch /api/v1/teams/{id}": by(team, () => ({ description: name() })),
  "delete /api/v1/teams/{id}": by(team),
  "put /api/v1/teams/{id}/grants": by(team, () => ({ grants: [everywhere("view")] })),
  "post /api/v1/teams/{id}/members": by(team, async (stage) => ({ userId: await member(stage) })),
  "delete /api/v1/teams/{id}/members": async (stage) => {
    const [id, userId] = [await team(stage), await member(stage)];
    await stage.web.ctx.sql`insert into team_members (team_id, organization_id, user_id) values (${id}, ${home(stage)}, ${userId})`;
    return { id, search: `?userId=${userId}` };
  },
  "post /api/v1/tokens": body(() => ({ name: "t", role: "view" })),
  "delete /api/v1/tokens/{id}": by(token),
  "patch /api/v1/users/{id}": by(member, () => ({ disabled: true })),
  "delete /api/v1/users/{id}": by(member),
  "post /api/v1/users/{id}/sign-out": by(member, () => ({})),
  "post /api/v1/views": body(() => ({ name: name(), query: {} })),
  "patch /api/v1/views/{id}": by(view, () => ({ name: name() })),
  "delete /api/v1/views/{id}": by(view),
  "get /api/v1/webhook-deliveries/{id}": by(delivery),
  "post /api/v1/webhook-deliveries/{id}/replay": by(delivery),
  "post /api/v1/webhooks": body(() => ({ name: name(), url: "https://example.com/", types: ["*"] })),
  "get /api/v1/webhooks/{id}": by(webhook),
  "patch /api/v1/webhooks/{id}": by(webhook, () => ({ name: name() })),
  "delete /api/v1/webhooks/{id}": by(webhook),
  "get /api/v1/webhooks/{id}/deliveries": by(webhook),
  "get /api/v1/webhooks/{id}/deliveries/counts": by(webhook),
  "post /api/v1/webhooks/{id}/rotate-secret": by(webhook),
  "post /api/v1/webhooks/{id}/test": by(webhook),
};

/** Routes that end who asks, or change where they are: nobody asks anything else afterwards. */
const ending = new Set([
  // Its group is the one that the cast is bound to.
  "delete /api/v1/groups/{id}",
  "delete /api/v1/me/token",
  "delete /api/v1/me/totp",
  "delete /api/v1/session",
  "post /api/v1/me/email",
  "post /api/v1/me/password",
  "post /api/v1/me/recovery-codes",
  "post /api/v1/me/sessions/revoke-others",
  "post /api/v1/me/totp",
  "post /api/v1/invitations/accept",
  "post /api/v1/organization/leave",
  "post /api/v1/session/confirm",
  "post /api/v1/session/oidc",
  "post /api/v1/session/organization",
]);

export const endsCaller = (route: string): boolean => ending.has(route);

export interface SampleRequest {
  readonly method: string;
  readonly path: string;
  readonly json?: unknown;
}

/**
 * A request that whoever may can have: "get /api/v1/servers/{id}" -> its path with a new server's id, and its body.
 * Throws Error for a route with an {id} that nobody told of here.
 */
export async function sampleRequest(route: string, stage: Stage): Promise<SampleRequest> {
  const [method = "", path = ""] = route.split(" ");
  const { id, search = "", json } = (await samples[route]?.(stage)) ?? {};
  if (path.includes("{") && id === undefined) throw new Error(`${route}: tell controller/src/testing/route-samples.ts how to ask for it`);
  return { method: method.toUpperCase(), path: path.replace("{id}", id ?? "") + search, ...(json === undefined ? {} : { json }) };
}

/** Routes that are told of here, to be compared with those that there are. */
export const sampledRoutes: readonly string[] = Object.keys(samples);

/** An id for a live topic about one thing. */
export const topicId = (stage: Stage): Promise<string> => server(stage);
