import { randomBytes } from "node:crypto";
import { mailSettings } from "@devflow/api";
import { afterAll, beforeAll, expect, it } from "vitest";
import { features } from "../features.ts";
import { openSecret } from "../features/webhooks/secret.ts";
import { changeMasterKey, checkKeys, createMasterKey } from "../platform/crypto/index.ts";
import { readSetting } from "../platform/settings/index.ts";
import { sealedColumns } from "../sealed-columns.ts";
import { adminEmail, adminPassword, testWeb, type TestWeb } from "../testing/web.ts";
import { createWeb, type Web } from "../web.ts";

const from = createMasterKey(randomBytes(32));
const to = createMasterKey(randomBytes(32));
let web: TestWeb;
let later: Web | undefined;
beforeAll(async () => {
  web = await testWeb({}, { masterKey: from });
  const { directTarget: target, log, config } = web.ctx;
  await checkKeys({ target, log, config: { ...config, secretKey: "given", roles: new Set(["web"]) }, masterKey: from });
});
afterAll(async () => {
  await later?.close();
  await web.close();
});

it("sessions end with their master key; passwords, tokens and whatever was sealed stay", async () => {
  const { ctx } = web;
  const cookie = await web.signIn();
  const token = (await web.ask("/api/v1/tokens", { method: "POST", cookie, json: { name: "ci", role: "view" } })).body.secret as string;
  const mail = { host: "127.0.0.1", port: 1, encryption: "tls", user: "u", from: "devflow@example.com", certificateAuthority: null };
  const put = await web.ask("/api/v1/settings/mail", { method: "PUT", cookie, json: { ...mail, password: "of the mail server" } });
  expect(put.status).toBe(200);
  const json = { name: "w", url: "https://example.com/", types: ["*"] };
  const webhook = (await web.ask("/api/v1/webhooks", { method: "POST", cookie, json })).body;

  const changed = await changeMasterKey({ target: ctx.directTarget, log: ctx.log, columns: sealedColumns, from, to });
  expect(changed).toMatchObject({ changed: true, unopened: [] });

  // The controller that starts afterwards.
  const next = { ...ctx, masterKey: to };
  later = await createWeb(next, features, "/nonexistent");
  const ask = (path: string, headers: Record<string, string>, body?: object) =>
    later!.api.fetch(
      new Request(`http://localhost${path}`, {
        headers: { ...headers, ...(body === undefined ? {} : { "content-type": "application/json" }) },
        ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
      }),
    );
  expect((await ask("/api/v1/me", { cookie })).status).toBe(401);
  expect((await ask("/api/v1/me", { authorization: `Bearer ${token}` })).status).toBe(200);
  const again = await ask("/api/v1/session", {}, { email: adminEmail, password: adminPassword });
  expect(again.status).toBe(200);
  const fresh = again.headers.getSetCookie().map((value) => value.split(";", 1)[0]);
  expect((await ask("/api/v1/me", { cookie: fresh.join("; ") })).status).toBe(200);

  expect((await readSetting(next, "mail", mailSettings))?.secrets["password"]).toBe("of the mail server");
  const [row] = await ctx.sql<{ sealed: Buffer }[]>`select sealed_secret as sealed from webhooks where id = ${webhook.webhook.id}`;
  const owner = { organizationId: ctx.installation.defaultOrganizationId, webhookId: webhook.webhook.id as string };
  expect(await openSecret(next, owner, row!.sealed)).toBe(webhook.secret);
});
