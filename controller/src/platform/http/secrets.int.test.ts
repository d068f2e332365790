import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { base32 } from "@better-auth/utils/base32";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { codeOf, stepSeconds } from "../../features/users/totp/code.ts";
import { startDelivery } from "../../features/webhooks/worker.ts";
import { type Caller, castPassword, type Player, type RouteCast, routeCast } from "../../testing/route-cast.ts";
import { endsCaller, sampleRequest } from "../../testing/route-samples.ts";
import { secretColumns } from "../../testing/secret-columns.ts";
import { createSecrets } from "../../testing/secrets.ts";
import { adminPassword, type Answer, testWeb, type TestWeb } from "../../testing/web.ts";
import { checkKeys, createMasterKey, loadTaskSigningKey } from "../crypto/index.ts";
import { createLog } from "../log/index.ts";
import { createOutgoing } from "../outgoing/index.ts";
import { writeSetting } from "../settings/index.ts";

/**
 * What is planted in each column that may hold something secret. Whoever adds a sealed or hashed column plants
 * something in it in plant() and says so here.
 */
const planted: Readonly<Record<string, string>> = {
  "accounts.access_token": "a provider's token",
  "accounts.id_token": "a provider's token",
  "accounts.password": "hash of a password",
  "accounts.refresh_token": "a provider's token",
  "api_tokens.sha256": "an API token",
  "ca_keys.wrapped_key": "the certification authority's key",
  "cli_logins.device_code_hash": "code of a waiting program",
  "cli_logins.user_code_hash": "code of a waiting program",
  "enrolment_tokens.sha256": "an enrolment token",
  "idempotency_keys.body": "the answer that made an API token",
  "idempotency_keys.request_hash": "the request for it",
  "installation.master_key_check": "what tells one master key from another",
  "invitations.sha256": "code of an invitation",
  "mails.sealed": "links to reset a password and to verify an address",
  "organization_keys.wrapped_key": "an organisation's data key",
  "recovery_codes.hash": "recovery codes",
  "sessions.token": "cookies of sessions",
  "settings.sealed": "password of the mail server, secret of the OpenID provider",
  "totp_factors.sealed": "an authenticator's key",
  "webhooks.sealed_previous_secret": "a webhook's secret before the rotation",
  "webhooks.sealed_secret": "a webhook's secret",
};

/** Columns that look as if they held secrets. */
const open: Readonly<Record<string, string>> = {
  "agent_identities.key_sha256": "of a public key",
  "audit_checkpoints.hash": "the audit log's chain, which everybody may check",
  "audit_checkpoints.signature": "the same",
  "audit_contradictions.hash": "the same",
  "audit_contradictions.signature": "the same",
  "audit_ends.hash": "the same",
  "audit_ends.signature": "the same",
  "audit_log.hash": "the same",
  "audit_restores.signature": "the same",
  "cli_logins.token_name": "a name",
  "cli_logins.token_role": "a role",
  "installation.task_signing_key_sha256": "of a public key",
  "passkeys.public_key": "public",
};

/** Whoever makes a secret sees it in that one answer; these are the fields. */
const shownOnce: Readonly<Record<string, readonly string[]>> = {
  "post /api/v1/cli-logins": ["deviceCode", "userCode"],
  "post /api/v1/enrolment-tokens": ["secret", "command", "shortCommand"],
  "post /api/v1/invitations": ["link"],
  "post /api/v1/invitations/{id}/send": ["link"],
  "post /api/v1/me/recovery-codes": ["recoveryCodes"],
  "post /api/v1/me/totp": ["key", "uri"],
  "post /api/v1/me/totp/enable": ["recoveryCodes"],
  "post /api/v1/tokens": ["secret"],
  "post /api/v1/webhooks": ["secret"],
  "post /api/v1/webhooks/{id}/rotate-secret": ["secret"],
};

/** Fields that a name makes suspect: whether there is a secret, and what everybody may know. */
const harmless =
  /^(previousSecretUntil|hasPassword|hasSecret|checkBreachedPasswords|passwordReset|recoveryCodesLeft|hash|get \/api\/v1\/cli-logins userCode|firstBad.*)$/;
const suspicious =
  /password|secret|sha256|hash|private|wrapped|sealed|cookie|command|serverNo|fingerprint|recoveryCode|userCode|deviceCode/i;
/** What DevFlow's own secrets begin with. */
const ownPrefix = /devflow_(api|invite|enrol)_[\w-]{20,}|whsec_[\w+/]{20,}|-----BEGIN [A-Z ]*PRIVATE KEY/;

function fieldsOf(value: unknown, into: Map<string, unknown[]> = new Map()): Map<string, unknown[]> {
  if (Array.isArray(value)) value.forEach((item) => fieldsOf(item, into));
  else if (typeof value === "object" && value !== null)
    for (const [name, inner] of Object.entries(value)) {
      into.set(name, [...(into.get(name) ?? []), inner]);
      fieldsOf(inner, into);
    }
  return into;
}

describe("secrets", () => {
  const masterKey = randomBytes(32);
  const secrets = createSecrets();
  const log: string[] = [];
  let web: TestWeb;
  let cast: RouteCast;
  let owner: Caller;
  const received: string[] = [];
  const endpoint = createServer((request, response) => {
    received.push(JSON.stringify(request.headers));
    request.on("data", (chunk: Buffer) => received.push(chunk.toString())).on("end", () => response.end("thanks"));
  });

  const as = (caller: Caller, method: string, path: string, json?: unknown, headers: Record<string, string> = {}) =>
    web.ask(path, { method, headers: { ...caller.headers, ...headers }, ...(json === undefined ? {} : { json }) });
  const made = (answer: Answer): Answer["body"] => {
    expect([answer.status, answer.body?.detail]).toEqual([expect.toBeOneOf([200, 201, 202, 204]), undefined]);
    return answer.body;
  };
  /** What stands in the secret columns now: nothing of that leaves either. */
  const addStored = async () => {
    for (const { table, column, asText } of await secretColumns()) {
      if (open[`${table}.${column}`] !== undefined) continue;
      const rows = await web.ctx.sql.unsafe<{ value: string }[]>(`select ${asText} as value from "${table}" where "${column}" is not null`);
      for (const { value } of rows) secrets.add(`${table}.${column} as stored`, value);
    }
    for (const { identifier } of await web.ctx.sql<{ identifier: string }[]>`select identifier from verifications`)
      secrets.add("verifications.identifier", identifier);
  };

  beforeAll(async () => {
    web = await testWeb(
      { trustedProxies: ["127.0.0.1"], publicUrl: new URL("https://devflow.example.com") },
      { log: createLog("trace", { write: (line) => void log.push(line) }), masterKey: createMasterKey(masterKey) },
    );
    await new Promise<void>((resolve) => endpoint.listen(0, "127.0.0.2", resolve));
    cast = await routeCast(web);
    await plant();
  });
  afterAll(async () => {
    endpoint.close();
    await web.close();
  });

  async function plant(): Promise<void> {
    const { sql, config, ctx } = { sql: web.ctx.sql, config: web.ctx.config, ctx: web.ctx };
    owner = await cast.make("owner", "");
    const administrator = await cast.make("install", "");
    secrets.add("the master key", masterKey);
    secrets.add("the key of sessions", web.ctx.masterKey.derive("better-auth").toString("base64"));
    secrets.add("a password", castPassword);
    secrets.add("the administrator's password", adminPassword);
    await loadTaskSigningKey(config);
    // As a controller does when it starts.
    await checkKeys({
      target: ctx.directTarget,
      log: ctx.log,
      config: { ...config, secretKey: "given", roles: new Set(["web"]) },
      masterKey: ctx.masterKey,
    });
    for (const name of readdirSync(config.dataDir, { recursive: true, encoding: "utf8" })) {
      const path = join(config.dataDir, name);
      if (!statSync(path).isFile() || /\.pub\.|\.crt|ca\.pem/.test(name)) continue;
      const lines = readFileSync(path, "utf8").split("\n");
      for (const line of lines.filter((text) => !text.startsWith("-----"))) secrets.add(`${name} in the data folder`, line);
    }

    for (const caller of [owner, administrator])
      secrets.add("cookie of a session", caller.headers["cookie"]!.split("=").slice(1).join("="));
    const provider = ["access_token", "refresh_token", "id_token"].map((name) => [
      name,
      `${name} ${randomBytes(20).toString("base64url")}`,
    ]);
    for (const [name, value] of provider) {
      secrets.add(`accounts.${name}`, value!);
      await sql.unsafe(`update accounts set ${name} = $1 where user_id = $2`, [value!, owner.userId!]);
    }
    const mail = {
      host: "127.0.0.1",
      port: 1,
      encryption: "tls",
      user: "devflow",
      from: "devflow@example.com",
      certificateAuthority: null,
    };
    secrets.add("password of the mail server", "smtp password of ours");
    made(await as(administrator, "PUT", "/api/v1/settings/mail", { ...mail, password: "smtp password of ours" }));
    secrets.add("secret of the OpenID provider", "oidc client secret of ours");
    const oidc = { issuer: "http://127.0.0.1:1", clientId: "devflow", scopes: "openid", allowedDomains: [], newMembers: null, label: "P" };
    await writeSetting(ctx.db, ctx, "oidc", oidc, { secret: "oidc client secret of ours" });

    const token = made(await as(owner, "POST", "/api/v1/tokens", { name: "planted", role: "view" }, { "idempotency-key": "planted" }));
    secrets.add("an API token", token.secret);
    secrets.add("an enrolment token", made(await as(owner, "POST", "/api/v1/enrolment-tokens", {})).secret);
    await sql`insert into settings (key, value) values ('outgoing', '{"allowed": ["127.0.0.2/32"]}')`;
    const url = `http://127.0.0.2:${(endpoint.address() as AddressInfo).port}/`;
    const webhook = made(await as(owner, "POST", "/api/v1/webhooks", { name: "planted", url, types: ["*"] }));
    secrets.add("a webhook's secret before the rotation", webhook.secret);
    const rotated = made(await as(owner, "POST", `/api/v1/webhooks/${webhook.webhook.id}/rotate-secret`));
    secrets.add("a webhook's secret", rotated.secret);
    made(await as(owner, "POST", `/api/v1/webhooks/${webhook.webhook.id}/test`));
    const stop = await startDelivery(ctx, createOutgoing(ctx), { everyMs: 50 });
    const delivered = async () => (await sql`select 1 from webhook_deliveries where state = 'delivered'`).length;
    await vi.waitFor(async () => expect(await delivered()).toBeGreaterThan(0), { timeout: 30_000 });
    await stop();

    // Without an address, so that the link is shown and not mailed.
    const invitation = made(
      await as(owner, "POST", "/api/v1/invitations", { email: null, grants: [{ role: "view", scope: { kind: "organization" } }] }),
    );
    secrets.add("code of an invitation", invitation.link.split("#")[1]);
    const totp = made(await as(owner, "POST", "/api/v1/me/totp", { password: castPassword }));
    secrets.add("an authenticator's key", totp.key);
    const key = base32.decode(totp.key) as Uint8Array;
    secrets.add("an authenticator's key in bytes", key);
    const code = codeOf(key, Math.floor(Date.now() / 1000 / stepSeconds));
    for (const recovery of made(await as(owner, "POST", "/api/v1/me/totp/enable", { code })).recoveryCodes)
      secrets.add("a recovery code", recovery);
    const login = made(await web.ask("/api/v1/cli-logins", { method: "POST", json: { client: "planted" } }));
    secrets.add("code of a waiting program", login.deviceCode);
    secrets.add("code of a waiting program", login.userCode);

    const { email } = await cast.make("view", "");
    made(await web.ask("/api/v1/password-resets", { method: "POST", json: { email } }));
    made(await as(owner, "POST", "/api/v1/me/email", { email: "planted@example.com" }));
    const links = async () => {
      const mails = await sql<{ sealed: Buffer }[]>`select sealed from mails`;
      return mails.flatMap(({ sealed }) => [
        ...web.ctx.masterKey
          .unwrap("mail", sealed)
          .toString()
          .matchAll(/#([\w-]+\.[\w-]{30,})/g),
      ]);
    };
    await vi.waitFor(async () => expect(new Set((await links()).map(([, link]) => link)).size).toBe(2), { timeout: 20_000 });
    for (const [, link] of await links()) {
      secrets.add("token of a link in a mail", link!);
      secrets.add("token of a link in a mail, without the user", link!.split(".")[1]!);
    }
    await addStored();
  }

  it("are planted in every column that may hold one", async () => {
    const columns = await secretColumns();
    const names = columns.map(({ table, column }) => `${table}.${column}`).filter((name) => open[name] === undefined);
    expect(names.toSorted()).toEqual(Object.keys(planted).toSorted());
    for (const { table, column } of columns.filter((one) => planted[`${one.table}.${one.column}`] !== undefined)) {
      const [row] = await web.ctx.sql.unsafe<{ n: number }[]>(`select count("${column}")::int as n from "${table}"`);
      expect([`${table}.${column}`, row!.n > 0]).toEqual([`${table}.${column}`, true]);
    }
    expect(secrets.count).toBeGreaterThan(60);
  });

  it("stand in no answer of any route to anybody, but in the one that makes them", async () => {
    const players: Player[] = ["none", "view", "admin", "owner", "stale", "foreign", "narrow", "install"];
    const known = new Map<string, Promise<Caller>>();
    const seen = new Set<string>();
    const found: string[] = [];
    let answers = 0;
    for (const route of web.api.routes) {
      const name = `${route.method} ${route.path}`;
      // The planted ones stay where they are while everything is read and changed.
      if (/^delete .*settings\/(mail|oidc)$/.test(name)) continue;
      for (const player of [...players, "planter"] as const) {
        // Who planted reads; what it would change is its own.
        if (player === "planter" && route.method !== "get") continue;
        const fresh = () => (player === "planter" ? Promise.resolve(owner) : cast.make(player, route.permission));
        const caller = await (endsCaller(name) ? fresh() : (known.get(player) ?? known.set(player, fresh()).get(player)!));
        const { method, path, json } = await sampleRequest(name, { web, cast, caller, groupId: player === "narrow" ? cast.groupId : null });
        const headers = { ...caller.headers, ...cast.address() };
        const answer = await web.ask(path, { method, headers, ...(json === undefined ? {} : { json }) });
        answers += 1;
        const once = answer.status < 300 ? (shownOnce[name] ?? []) : [];
        const text = JSON.stringify([
          answer.body,
          [...answer.headers].filter(([header]) => header !== "set-cookie" && header !== "x-request-id"),
        ]);
        const fields = fieldsOf(answer.body);
        const isDescription = route.path.endsWith("openapi.json");
        if (!seen.has(text)) found.push(...secrets.in(text).map((secret) => `${name} as ${player}: ${secret}`));
        seen.add(text);
        if (once.length === 0 && ownPrefix.test(text)) found.push(`${name} as ${player}: ${ownPrefix.exec(text)![0].slice(0, 20)}…`);
        for (const field of isDescription ? [] : fields.keys())
          if (suspicious.test(field) && !harmless.test(field) && !harmless.test(`${name} ${field}`) && !once.includes(field))
            found.push(`${name}: the field ${field}`);
        // From now on nobody sees these either.
        for (const field of once)
          for (const value of fields.get(field)?.flat() ?? []) if (typeof value === "string") secrets.add(`${name} ${field}`, value);
        for (const cookie of answer.headers.getSetCookie()) {
          const value = cookie.split(";", 1)[0]!.split("=").slice(1).join("=");
          if (cookie.includes("session_token") && value !== "") secrets.add("cookie of a session", value);
          found.push(
            ...secrets
              .in(cookie)
              .filter((secret) => secret !== "cookie of a session" && secret !== "sessions.token as stored")
              .map((secret) => `cookie of ${name}: ${secret}`),
          );
        }
        await web.ctx.sql`update organizations set delete_after = null`;
      }
      await web.ctx.sql`delete from webhooks where name <> 'planted'`;
      if (name === "delete /api/v1/groups/{id}") {
        cast = await routeCast(web);
        known.clear();
      }
    }
    expect([...new Set(found)]).toEqual([]);
    expect(answers).toBeGreaterThan(900);
  }, 600_000);

  it("stand in no event, no audit row, no delivery, no export, and not in the figures", async () => {
    const { sql } = web.ctx;
    await addStored();
    const all = async (table: string, expected: number) => {
      const rows = await sql.unsafe<object[]>(`select * from ${table}`);
      expect([table, rows.length >= expected]).toEqual([table, true]);
      // The chain's hashes are open; see above.
      return rows.map((row) => JSON.stringify({ ...row, hash: undefined }));
    };
    const texts = [...(await all("events", 50)), ...(await all("audit_log", 100)), ...(await all("webhook_deliveries", 1)), ...received];
    expect(received.length).toBeGreaterThan(1);
    const exported = await fetch(`${web.origin}/api/v1/organization/export`, { headers: owner.headers });
    expect(exported.status).toBe(200);
    const lines = gunzipSync(Buffer.from(await exported.arrayBuffer())).toString();
    expect(lines).toContain('"type":"member"');
    const scraped = await as(await cast.make("install", ""), "GET", "/metrics");
    expect(scraped.body).toContain("devflow_");
    expect([...new Set([...texts, ...lines.split("\n"), scraped.body].flatMap((text) => secrets.in(text)))]).toEqual([]);
  });

  it("stand in no line of the log at its finest, failures included", async () => {
    await web.ctx.sql`alter table api_tokens rename to gone`;
    const failed = await as(owner, "POST", "/api/v1/tokens", { name: "fails", role: "view" });
    await web.ctx.sql`alter table gone rename to api_tokens`;
    expect([failed.status, secrets.in(JSON.stringify(failed.body))]).toEqual([500, []]);
    expect(log.length).toBeGreaterThan(5);
    expect(log.some((line) => line.includes("request failed"))).toBe(true);
    expect([...new Set(log.flatMap((line) => secrets.in(line).map((secret) => `${secret}: ${line.slice(0, 200)}`)))]).toEqual([]);
  });

  it("are found in whatever form they stand", () => {
    const secret = "a secret with / and ü";
    const one = createSecrets();
    one.add("s", secret);
    const cursor = Buffer.from(JSON.stringify(["x", secret])).toString("base64url");
    for (const form of [
      secret,
      btoa(Buffer.from(secret).toString("latin1")),
      Buffer.from(secret).toString("hex"),
      encodeURIComponent(secret),
    ])
      expect([form, one.in(`{"a":"x${form}y"}`)]).toEqual([form, ["s"]]);
    const ascii = createSecrets();
    ascii.add("s", "plain secret");
    expect(ascii.in(Buffer.from(JSON.stringify(["x", "plain secret"])).toString("base64url"))).toEqual(["s"]);
    expect(one.in(`${cursor.slice(0, 4)} and nothing else`)).toEqual([]);
  });
});
