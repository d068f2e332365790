import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { adminEmail, adminPassword, testWeb, type TestWeb } from "../../testing/web.ts";
import { everywhere, makeTeam, person } from "../organizations/people.testkit.ts";
import { makeOneTime } from "./email/one-time.ts";

const next = "another long phrase";

describe("whoever took over a session or an address", () => {
  let web: TestWeb;
  let cookie: string;
  let userId: string;
  beforeAll(async () => {
    web = await testWeb();
    cookie = await web.signIn();
    userId = (await web.ctx.sql<{ id: string }[]>`select id from users`)[0]!.id;
  });
  afterAll(() => web.close());

  const post = (path: string, json: object, as?: string) =>
    web.ask(path, { method: "POST", json, ...(as === undefined ? {} : { cookie: as }) });
  const begin = async () => (await post("/api/v1/cli-logins", { client: "a program" })).body as { deviceCode: string; userCode: string };
  const confirm = (userCode: string, as: string) =>
    post("/api/v1/cli-logins/confirm", { userCode, address: "127.0.0.1", name: "n", role: "owner", expiresInDays: null }, as);

  it("makes no other way in without proving who they are", async () => {
    const organizationId = web.ctx.installation.defaultOrganizationId;
    const [team, member] = [await makeTeam(web, organizationId), await person(web, { [organizationId]: [{ role: "view" }] })];
    const thief = await web.signIn();
    await web.ctx.sql`update sessions set confirmed_at = now() - interval '1 hour' where user_id = ${userId}`;
    web.ctx.bus.emit("principal.revoked", { kind: "user", id: userId });
    const owner = { grants: [everywhere("owner")] };
    const { userCode } = await begin();
    const [invitation] = await web.ctx.sql<{ id: string }[]>`
      insert into invitations (organization_id, sha256, grants, inviter_id, expires_at)
      values (${organizationId}, 'x', '[]', ${userId}, now() + interval '1 day') returning id`;
    const answers = {
      program: await confirm(userCode, thief),
      provider: await post("/api/v1/session/oidc", { purpose: "link" }, thief),
      token: await post("/api/v1/tokens", { name: "t", role: "owner" }, thief),
      invitation: await post("/api/v1/invitations", { email: null, ...owner }, thief),
      again: await post(`/api/v1/invitations/${invitation!.id}/send`, {}, thief),
      member: await web.ask(`/api/v1/members/${member.id}/grants`, { method: "PUT", json: owner, cookie: thief }),
      team: await web.ask(`/api/v1/teams/${team}/grants`, { method: "PUT", json: { grants: [everywhere("admin")] }, cookie: thief }),
    };
    expect(Object.fromEntries(Object.entries(answers).map(([name, { body }]) => [name, body.code]))).toEqual(
      Object.fromEntries(Object.keys(answers).map((name) => [name, "step_up_required"])),
    );
  });

  it("guesses no program's code, however many guesses come at once", async () => {
    const guesser = await person(web, { [await web.organization()]: [{ role: "view" }] });
    const answers = await Promise.all(Array.from({ length: 30 }, () => guesser.ask("/api/v1/cli-logins?code=BBBB-BBBB")));
    expect(answers.filter(({ status }) => status === 404).length).toBeLessThanOrEqual(10);
    expect(answers.filter(({ status }) => status === 429).length).toBeGreaterThanOrEqual(20);
  });

  it("gets nothing of what was begun before the password changed: no program's token, no other address", async () => {
    cookie = await web.signIn();
    const { userCode, deviceCode } = await begin();
    expect((await confirm(userCode, cookie)).status).toBe(204);
    const link = await web.ctx.db.transaction((tx) =>
      makeOneTime(tx, web.ctx, "email", { userId, value: "thief@example.com", validMs: 3_600_000 }),
    );
    const changed = await post("/api/v1/me/password", { currentPassword: adminPassword, newPassword: next, keepTokens: true }, cookie);
    expect(changed.status).toBe(204);
    expect((await post("/api/v1/cli-logins/collect", { deviceCode })).status).toBe(404);
    expect((await post("/api/v1/email-verifications", { token: link })).status).toBe(403);
    expect((await web.ctx.sql`select email from users where id = ${userId}`)[0]!["email"]).toBe(adminEmail);
  });

  it("keeps no way into an account whose address turns out to be another one's", async () => {
    const early = await person(web, { [await web.organization()]: [{ role: "owner" }] }, { verified: false });
    const known = await person(web, { [await web.organization()]: [{ role: "owner" }] });
    const { sql } = web.ctx;
    for (const { id } of [early, known]) {
      await sql`insert into passkeys (id, user_id, name, public_key, counter, transports, backed_up) values (${randomUUID()}, ${id}, 'k', '', 0, '{}', false)`;
      await sql`insert into accounts (id, account_id, provider_id, user_id) values (${randomUUID()}, ${randomUUID()}, 'oidc:https://id.example', ${id})`;
      await sql`insert into totp_factors (user_id, sealed, enabled_at) values (${id}, '', now())`;
      await sql`insert into recovery_codes (user_id, hash) values (${id}, 'h')`;
    }
    const left = async (id: string) =>
      (
        await sql`select (select count(*) from passkeys where user_id = ${id})::int as keys, (select count(*) from accounts where user_id = ${id})::int as accounts,
          (select count(*) from totp_factors where user_id = ${id})::int as totp, (select count(*) from recovery_codes where user_id = ${id})::int as codes`
      )[0];
    for (const { id, email } of [early, known]) {
      const token = await web.ctx.db.transaction((tx) =>
        makeOneTime(tx, web.ctx, "password-reset", { userId: id, value: email, validMs: 3_600_000 }),
      );
      expect((await post("/api/v1/password-resets/complete", { token, password: next })).status).toBe(204);
    }
    // Whoever made the account could not read the mail of its address: what they set up is not its owner's.
    expect(await left(early.id)).toEqual({ keys: 0, accounts: 1, totp: 0, codes: 0 });
    expect(await left(known.id)).toEqual({ keys: 1, accounts: 2, totp: 1, codes: 1 });
  });
});
