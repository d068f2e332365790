import { afterEach, describe, expect, it } from "vitest";
import { testWeb, type TestWeb } from "../../../testing/web.ts";
import { cookieOf, everywhere, give, inOwnOrganization, makeTeam, type Person, person, told } from "../people.testkit.ts";

const view = { grants: [everywhere("view")] };
const password = "an evening by the sea";

describe("invitations", () => {
  let web: TestWeb;
  let org: string;
  let owner: Person;
  inOwnOrganization((made) => ({ web, org, owner } = made));
  // All requests come from one address here: what one test got wrong is not held against the next.
  afterEach(async () => {
    await web.ctx.sql`delete from limit_windows`;
  });

  const invite = async (body: object, who = owner) => {
    const answer = await who.ask("/api/v1/invitations", { method: "POST", json: { email: null, ...view, ...body } });
    if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
    return { id: answer.body.invitation.id as string, code: (answer.body.link as string).split("#")[1]! };
  };
  const accept = (who: Person, code: string) => who.ask("/api/v1/invitations/accept", { method: "POST", json: { code } });
  const register = (code: string, email: string, word = password) =>
    web.ask("/api/v1/invitations/register", { method: "POST", json: { code, email, name: "New", password: word } });
  const find = (code: string, cookie?: string) =>
    web.ask("/api/v1/invitations/find", { method: "POST", json: { code }, ...(cookie === undefined ? {} : { cookie }) });
  const idOf = async (email: string) => (await web.ctx.sql<{ id: string }[]>`select id from users where email = ${email}`)[0]!.id;
  const stranger = (email?: string, verified = true) =>
    web
      .organization()
      .then((home) => person(web, { [home]: [{ role: "owner" }] }, { ...(email === undefined ? {} : { email }), verified }));

  it("by link let the first one in who comes, with its roles and teams, once", async () => {
    const team = await makeTeam(web, org);
    await give(web, org, "team", team, { role: "edit" });
    const { code } = await invite({ teamIds: [team] });
    const ben = await stranger();
    expect((await find(code, ben.cookie)).body).toMatchObject({
      organization: { name: "Other" },
      acceptable: true,
      reason: null,
      email: null,
    });
    expect((await accept(ben, code)).status).toBe(204);
    const me = (await ben.ask("/api/v1/me")).body;
    expect([me.organization.id, me.role]).toEqual([org, "edit"]);
    for (const attempt of [await accept(await stranger(), code), await register(code, "late@example.com"), await find(code)])
      expect(attempt.status).toBe(404);
    const { audit, events } = await told(web, org);
    expect(audit.filter((action) => action.startsWith("invitations."))).toEqual(["invitations.create", "invitations.accept"]);
    expect(events).toEqual(["member.invited", "member.joined"]);
  });

  it("let one of many in who come at the same time", async () => {
    const { code } = await invite({});
    const many = await Promise.all(Array.from({ length: 6 }, () => stranger()));
    const answers = await Promise.all(many.map((who) => accept(who, code)));
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([204, 404, 404, 404, 404, 404]);
    const [members] = await web.ctx.sql<{ n: number }[]>`select count(*)::int as n from memberships where organization_id = ${org}`;
    expect(members!.n).toBe(2);
  });

  it("by e-mail are for the verified owner of that address alone", async () => {
    const email = `Dora.${crypto.randomUUID()}@Example.com`;
    const { code } = await invite({ email });
    const other = await stranger();
    const refused = await accept(other, code);
    expect([refused.status, refused.body.detail]).toEqual([403, expect.stringMatching(/is for dora/)]);
    expect((await find(code, other.cookie)).body.acceptable).toBe(false);
    expect((await register(code, "else@example.com")).status).toBe(422);
    const unverified = await stranger(email.toLowerCase(), false);
    expect((await accept(unverified, code)).body.detail).toMatch(/verify/);
    await web.ctx.sql`update users set email_verified = true where id = ${unverified.id}`;
    expect((await accept(unverified, code)).status).toBe(204);
  });

  it("make an account for the invited address, which counts as verified only when mail alone took the code there", async () => {
    const email = `${crypto.randomUUID()}@example.com`;
    const { code, id } = await invite({ email });
    const answer = await register(code, email.toUpperCase());
    expect(answer.status).toBe(204);
    const me = await web.ask("/api/v1/me", { cookie: cookieOf(answer) });
    expect(me.body).toMatchObject({ user: { email }, organization: { id: org }, role: "view" });
    const verified = async (address: string) =>
      (await web.ctx.sql<{ is: boolean }[]>`select email_verified as is from users where email = ${address}`)[0]?.is;
    expect(await verified(email)).toBe(false);
    expect((await register((await invite({})).code, email, "some other evening")).status).toBe(409);
    const mailed = `${crypto.randomUUID()}@example.com`;
    const second = await invite({ email: mailed });
    await web.ctx.sql`update invitations set mailed_at = now() where id = ${second.id}`;
    expect((await register(second.code, mailed)).status).toBe(204);
    expect([await verified(mailed), id]).toEqual([true, id]);
  });

  it("bring back who belongs nowhere, with their password and without a session past a second factor", async () => {
    const email = `${crypto.randomUUID()}@example.com`;
    expect((await register((await invite({})).code, email)).status).toBe(204);
    const id = await idOf(email);
    expect((await owner.ask(`/api/v1/members/${id}`, { method: "DELETE" })).status).toBe(204);
    const signIn = () => web.ask("/api/v1/session", { method: "POST", json: { email, password } });
    const sessions = () => web.ctx.sql`select id from sessions where user_id = ${id}`;
    const before = await sessions();
    expect((await signIn()).status).toBe(403);
    expect(await sessions()).toEqual(before);
    const { code } = await invite({});
    const back = await register(code, email);
    expect([back.status, back.headers.getSetCookie()]).toEqual([204, []]);
    expect((await signIn()).status).toBe(200);
    expect((await register((await invite({})).code, email)).body.detail).toMatch(/already/);
  });

  it("that are wrong, expired, revoked or sent again under a new link lead nowhere", async () => {
    const expired = await invite({});
    await web.ctx.sql`update invitations set expires_at = now() where id = ${expired.id}`;
    const revoked = await invite({});
    for (let i = 0; i < 2; i++) expect((await owner.ask(`/api/v1/invitations/${revoked.id}`, { method: "DELETE" })).status).toBe(204);
    const old = await invite({});
    const again = await owner.ask(`/api/v1/invitations/${old.id}/send`, { method: "POST" });
    expect([again.status, again.body.mailed]).toEqual([200, false]);
    const ben = await stranger();
    for (const code of [expired.code, revoked.code, old.code, "devflow_invite_guess", "' or 1=1"]) {
      const answers = [await accept(ben, code), await find(code), await register(code, `${crypto.randomUUID()}@example.com`)];
      expect([code, ...answers.map(({ status, body }) => [status, body.detail])]).toEqual([
        code,
        ...answers.map(() => [404, answers[0]!.body.detail]),
      ]);
    }
    expect((await owner.ask(`/api/v1/invitations/${revoked.id}/send`, { method: "POST" })).status).toBe(409);
    expect((await accept(ben, again.body.link.split("#")[1])).status).toBe(204);
    const [held] = await web.ctx.sql<
      { n: number }[]
    >`select count(*)::int as n from invitations where sha256 like 'devflow%' or sha256 = ${old.code}`;
    expect(held!.n).toBe(0);
  });

  it("are not guessed: after thirty failures from an address nothing is looked up", async () => {
    const guess = (i: number) =>
      web.ask("/api/v1/invitations/find", { method: "POST", json: { code: `devflow_invite_${i}` } }).then(({ status }) => status);
    const own = await testWeb();
    try {
      const statuses: number[] = [];
      for (let i = 0; i < 31; i++)
        statuses.push((await own.ask("/api/v1/invitations/find", { method: "POST", json: { code: `devflow_invite_${i}` } })).status);
      expect([statuses.slice(0, 30).every((status) => status === 404), statuses[30]]).toEqual([true, 429]);
    } finally {
      await own.close();
    }
    expect(await guess(0)).toBe(404);
  });

  it("give no more than the inviter has, when made and when accepted", async () => {
    const admin = await person(web, { [org]: [{ role: "admin" }] });
    const strong = await makeTeam(web, org);
    const [custom] = await web.ctx.sql<{ id: string }[]>`
      insert into custom_roles (organization_id, name, permissions) values (${org}, 'out', '{organization.export}') returning id`;
    await give(web, org, "team", strong, { role: custom!.id });
    for (const body of [{ grants: [everywhere("owner")] }, { grants: [everywhere(custom!.id)] }, { ...view, teamIds: [strong] }]) {
      const answer = await admin.ask("/api/v1/invitations", { method: "POST", json: { email: null, ...body } });
      expect([answer.status, answer.body.code]).toEqual([403, "forbidden"]);
    }
    const ben = await stranger();
    const { code } = await invite({ grants: [everywhere("admin")] }, admin);
    expect((await owner.ask(`/api/v1/members/${admin.id}/grants`, { method: "PUT", json: view })).status).toBe(204);
    expect((await accept(ben, code)).status).toBe(409);
    const other = await person(web, { [org]: [{ role: "admin" }] });
    const second = await invite({}, other);
    expect((await owner.ask(`/api/v1/members/${other.id}`, { method: "DELETE" })).status).toBe(204);
    expect((await accept(ben, second.code)).status).toBe(404);
  });

  it("are not shown to other organisations and hold no code", async () => {
    const { id, code } = await invite({});
    const list = await owner.ask("/api/v1/invitations");
    expect(list.body.items).toMatchObject([{ id, state: "open", grants: [{ role: "view" }], invitedBy: owner.email }]);
    expect(JSON.stringify(list.body)).not.toContain(code);
    const ben = await stranger();
    expect((await ben.ask("/api/v1/invitations")).body.items).toEqual([]);
    expect((await ben.ask(`/api/v1/invitations/${id}`, { method: "DELETE" })).status).toBe(404);
    const token = await web.token("owner", org);
    const made = await web.ask("/api/v1/invitations", { method: "POST", token, json: { email: null, ...view } });
    expect(made.status).toBe(201);
    expect((await web.ask("/api/v1/invitations/accept", { method: "POST", token, json: { code } })).status).toBe(403);
    expect((await accept(ben, made.body.link.split("#")[1])).status).toBe(204);
  });

  it("refuse members, and a second one for an address", async () => {
    const email = `${crypto.randomUUID()}@example.com`;
    await invite({ email });
    const ask = (address: string) => owner.ask("/api/v1/invitations", { method: "POST", json: { email: address, ...view } });
    expect((await ask(email.toUpperCase())).status).toBe(409);
    expect((await ask(owner.email)).body.detail).toMatch(/member already/);
    const { code } = await invite({});
    expect((await accept(owner, code)).body.detail).toMatch(/already/);
  });
});
