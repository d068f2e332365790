import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { adminPassword, testWeb, type TestWeb } from "../../testing/web.ts";

/** Who gets which token, and what it can be used for. */
describe("tokens of people, parts and service accounts", () => {
  let web: TestWeb;
  let anna: string;
  let organizationId: string;
  beforeAll(async () => {
    web = await testWeb();
    anna = await web.signIn();
    organizationId = web.ctx.installation.defaultOrganizationId;
  });
  afterAll(() => web.close());

  type As = { cookie?: string; token?: string };
  const create = (json: object, as: As) => web.ask("/api/v1/tokens", { method: "POST", ...as, json });
  const list = async (as: As, query = "") => (await web.ask(`/api/v1/tokens${query}`, as)).body.items as { id: string; name: string }[];
  const revoke = (id: string, as: As) => web.ask(`/api/v1/tokens/${id}`, { method: "DELETE", ...as });

  const group = async (name: string): Promise<string> => {
    const [row] = await web.ctx.sql<
      { id: string }[]
    >`insert into server_groups (organization_id, name) values (${organizationId}, ${name}) returning id`;
    return row!.id;
  };
  const serverIn = async (name: string, groupId: string | null): Promise<string> => {
    const id = await web.server({ name });
    await web.ctx.sql`update servers set group_id = ${groupId} where id = ${id}`;
    return id;
  };
  /** A member with a role over the organisation, or over one group. */
  let people = 0;
  const person = async (role: string, groupId: string | null = null): Promise<{ cookie: string; id: string }> => {
    const email = `person${++people}@example.com`;
    const [hash] = await web.ctx.sql`select password from accounts limit 1`;
    const id = `person-${people}`;
    await web.ctx.sql`insert into users (id, name, email) values (${id}, ${email}, ${email})`;
    await web.ctx
      .sql`insert into accounts (id, account_id, provider_id, user_id, password) values (${id}, ${id}, 'credential', ${id}, ${hash!["password"]})`;
    await web.ctx.sql`insert into memberships (organization_id, user_id) values (${organizationId}, ${id})`;
    await web.ctx.sql`insert into grants (organization_id, principal_kind, principal_id, role, scope_kind, scope_id)
      values (${organizationId}, 'user', ${id}, ${role}, ${groupId === null ? "organization" : "group"}, ${groupId ?? organizationId})`;
    const answer = await web.ask("/api/v1/session", { method: "POST", json: { email, password: adminPassword } });
    expect(answer.status).toBe(200);
    const cookie = answer.headers.getSetCookie().map((value) => value.split(";", 1)[0]);
    return { cookie: cookie.join("; "), id };
  };

  it("are limited to the group that they were made for", async () => {
    const [inside, outside] = [await group("inside"), await group("outside")];
    const [a, b] = [await serverIn("in-1", inside), await serverIn("out-1", outside)];
    const { status, body } = await create(
      { name: "part", grants: [{ role: "edit", scope: { kind: "group", id: inside } }] },
      { cookie: anna },
    );
    expect([status, body.token.role]).toEqual([201, null]);
    expect(body.token.grants).toEqual([{ role: "edit", roleName: "edit", scope: { kind: "group", id: inside }, scopeName: "inside" }]);
    const token = body.secret as string;
    expect((await web.ask("/api/v1/servers", { token })).body.items.map(({ id }: { id: string }) => id)).toEqual([a]);
    const rename = (id: string) => web.ask(`/api/v1/servers/${id}`, { method: "PATCH", token, json: { name: "renamed" } });
    expect([(await rename(a)).status, (await rename(b)).status]).toEqual([200, 404]);
    expect((await web.ask("/api/v1/members", { token })).status).toBe(403);
  });

  it("are refused for places and roles that are not there, for two roles or none", async () => {
    const nowhere = "00000000-0000-4000-8000-000000000000";
    const other = await web.organization();
    const [foreign] = await web.ctx.sql<
      { id: string }[]
    >`insert into server_groups (organization_id, name) values (${other}, 'foreign') returning id`;
    for (const wrong of [
      {},
      { role: "view", grants: [{ role: "view", scope: { kind: "organization" } }] },
      { grants: [] },
      { grants: [{ role: "view", scope: { kind: "group", id: nowhere } }] },
      { grants: [{ role: "view", scope: { kind: "group", id: foreign!.id } }] },
      { grants: [{ role: nowhere, scope: { kind: "organization" } }] },
      { role: "view", serviceAccountId: nowhere },
    ])
      expect([wrong, (await create({ name: "wrong", ...wrong }, { cookie: anna })).status]).toEqual([wrong, 422]);
  });

  it("end after 90 days unless something else is said", async () => {
    const days = (token: { createdAt: string; expiresAt: string }) =>
      (Date.parse(token.expiresAt) - Date.parse(token.createdAt)) / 86_400_000;
    expect(days((await create({ name: "default", role: "view" }, { cookie: anna })).body.token)).toBe(90);
    expect((await create({ name: "forever", role: "view", expiresInDays: null }, { cookie: anna })).body.token.expiresAt).toBeNull();
  });

  it("are everybody's own: members make, see and end theirs and nobody else's", async () => {
    const [bert, cleo] = [await person("view"), await person("view")];
    const made = (await create({ name: "bert's", role: "view" }, bert)).body;
    expect(made.token).toMatchObject({ mine: true, mayRevoke: true, holder: { kind: "user", id: bert.id } });
    expect((await create({ name: "more", role: "edit" }, bert)).status).toBe(403);
    expect((await list(bert)).map(({ name }) => name)).toEqual(["bert's"]);
    expect(await list(cleo)).toEqual([]);
    expect((await revoke(made.token.id, cleo)).status).toBe(404);
    expect((await web.ask("/api/v1/me", { token: made.secret })).status).toBe(200);
    // Who manages tokens sees all, and their own when asked.
    expect((await list({ cookie: anna })).some(({ id }) => id === made.token.id)).toBe(true);
    expect((await list({ cookie: anna }, "?mine=true")).some(({ id }) => id === made.token.id)).toBe(false);
    expect((await list({ cookie: anna }, "?search=BERT")).map(({ name }) => name)).toEqual(["bert's"]);
    expect((await revoke(made.token.id, bert)).status).toBe(204);
    expect((await web.ask("/api/v1/me", { token: made.secret })).status).toBe(401);
    expect((await list({ cookie: anna }, "?state=revoked")).map(({ name }) => name)).toContain("bert's");
    expect((await list({ cookie: anna }, "?state=active")).map(({ name }) => name)).not.toContain("bert's");
  });

  it("of a person who has one group reach no further", async () => {
    const own = await group("dora's");
    await serverIn("other-1", await group("not dora's"));
    const mine = await serverIn("dora-1", own);
    const dora = await person("edit", own);
    const { status, body } = await create({ name: "dora", role: "view" }, dora);
    expect(status).toBe(201);
    expect((await web.ask("/api/v1/servers", { token: body.secret })).body.items.map(({ id }: { id: string }) => id)).toEqual([mine]);
    const elsewhere = await group("elsewhere");
    expect((await create({ name: "x", grants: [{ role: "view", scope: { kind: "group", id: elsewhere } }] }, dora)).status).toBe(403);
  });

  it("that are leaked cannot make, list or end others, unless they may manage tokens; then no more and no longer than themselves", async () => {
    const weak = (await create({ name: "weak", role: "edit" }, { cookie: anna })).body;
    const as = { token: weak.secret as string };
    expect((await create({ name: "child", role: "view" }, as)).status).toBe(403);
    expect((await list(as)).map(({ name }) => name)).toEqual(["weak"]);
    const bystander = (await create({ name: "bystander", role: "view" }, { cookie: anna })).body;
    expect((await revoke(bystander.token.id, as)).status).toBe(404);

    const strong = (await create({ name: "strong", role: "admin", expiresInDays: 10 }, { cookie: anna })).body;
    const by = { token: strong.secret as string };
    expect((await create({ name: "up", role: "owner" }, by)).status).toBe(403);
    expect((await create({ name: "longer", role: "view", expiresInDays: 11 }, by)).status).toBe(403);
    expect((await create({ name: "for ever", role: "view", expiresInDays: null }, by)).status).toBe(403);
    const child = await create({ name: "child", role: "admin" }, by);
    expect([child.status, child.body.token.expiresAt]).toEqual([201, strong.token.expiresAt]);
    expect(child.body.token.holder).toEqual(strong.token.holder);
  });

  it("of service accounts are bounded by the account, and stop with it", async () => {
    const made = await web.ask("/api/v1/service-accounts", {
      method: "POST",
      cookie: anna,
      json: { name: "Deploy robot", description: "CI", grants: [{ role: "edit", scope: { kind: "organization" } }] },
    });
    expect([made.status, made.body.name, made.body.grants[0].role, made.body.mayChange]).toEqual([201, "Deploy robot", "edit", true]);
    const account = `/api/v1/service-accounts/${made.body.id}`;
    const patch = (json: object, as: As = { cookie: anna }) => web.ask(account, { method: "PATCH", ...as, json });
    expect(
      (await web.ask("/api/v1/service-accounts", { method: "POST", cookie: anna, json: { name: "deploy ROBOT", grants: [] } })).status,
    ).toBe(409);
    const bert = await person("view");
    expect((await create({ name: "robot's", role: "view", serviceAccountId: made.body.id }, bert)).status).toBe(403);
    const { body } = await create({ name: "robot's", role: "admin", serviceAccountId: made.body.id }, { cookie: anna });
    expect(body.token).toMatchObject({ mine: false, holder: { kind: "service", name: "Deploy robot" } });
    const token = body.secret as string;
    // The token says admin, the account edit.
    expect((await web.ask("/api/v1/me", { token })).body).toMatchObject({ kind: "token", role: "edit", user: null });
    expect((await web.ask("/api/v1/audit", { token })).status).not.toBe(200);

    expect((await patch({ grants: [{ role: "view", scope: { kind: "organization" } }] })).status).toBe(200);
    expect((await web.ask("/api/v1/me", { token })).body.role).toBe("view");
    expect((await patch({ disabled: true })).body.disabledAt).not.toBeNull();
    expect((await web.ask("/api/v1/me", { token })).status).toBe(401);
    expect((await patch({ disabled: false })).body).toMatchObject({ disabledAt: null, tokens: 1 });
    expect((await web.ask("/api/v1/me", { token })).status).toBe(200);

    // An account that may do more than whoever asks is not theirs to change.
    expect((await patch({ grants: [{ role: "owner", scope: { kind: "organization" } }] })).status).toBe(200);
    const admin = await person("admin");
    expect((await patch({ name: "mine now" }, admin)).status).toBe(403);
    expect((await web.ask(account, { method: "DELETE", ...admin })).status).toBe(403);
    expect((await web.ask(account, { method: "DELETE", cookie: anna })).status).toBe(204);
    expect((await web.ask("/api/v1/me", { token })).status).toBe(401);
    expect(await web.ctx.sql`select 1 from grants where principal_id in (${made.body.id}, ${body.token.id})`).toHaveLength(0);
    const actions = await web.ctx.sql<{ action: string }[]>`select action from audit_log where target_id = ${made.body.id} order by at`;
    expect(actions.map(({ action }) => action)).toEqual([
      "service-accounts.create",
      "service-accounts.update",
      "service-accounts.update",
      "service-accounts.update",
      "service-accounts.update",
      "service-accounts.delete",
    ]);
  });

  it("made by a service account's token stay the account's", async () => {
    const { body: account } = await web.ask("/api/v1/service-accounts", {
      method: "POST",
      cookie: anna,
      json: { name: "Minter", grants: [{ role: "admin", scope: { kind: "organization" } }] },
    });
    const { body: first } = await create({ name: "first", role: "admin", serviceAccountId: account.id }, { cookie: anna });
    const { body: second } = await create({ name: "second", role: "admin" }, { token: first.secret });
    expect(second.token.holder).toMatchObject({ kind: "service", id: account.id });
    await web.ask(`/api/v1/service-accounts/${account.id}`, { method: "PATCH", cookie: anna, json: { grants: [] } });
    expect((await web.ask("/api/v1/members", { token: second.secret })).status).toBe(403);
  });

  it("never answer compressed when they hold a secret", async () => {
    const answer = await web.ask("/api/v1/tokens", {
      method: "POST",
      cookie: anna,
      headers: { "accept-encoding": "gzip" },
      json: { name: "x".repeat(100), grants: Array.from({ length: 1 }, () => ({ role: "view", scope: { kind: "organization" } })) },
    });
    expect([answer.status, answer.headers.get("content-encoding")]).toEqual([201, null]);
  });
});
