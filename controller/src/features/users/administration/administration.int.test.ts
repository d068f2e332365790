import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { adminEmail, testWeb, type TestWeb } from "../../../testing/web.ts";
import { type Person, person, told } from "../../organizations/people.testkit.ts";
import { beginSession } from "../sign-in.ts";

describe("users of the installation", () => {
  let web: TestWeb;
  let org: string;
  let owner: Person;
  /** Cookie of the first administrator. */
  let cookie: string;
  beforeAll(async () => (web = await testWeb()));
  afterAll(() => web.close());
  beforeEach(async () => {
    org = await web.organization();
    owner = await person(web, { [org]: [{ role: "owner" }] });
    cookie = await web.signIn();
  });
  const list = async (query = "") => (await web.ask(`/api/v1/users?${query}`, { cookie })).body;
  const change = (id: string, json: object, by = cookie) => web.ask(`/api/v1/users/${id}`, { method: "PATCH", cookie: by, json });
  const remove = (id: string, by = cookie) => web.ask(`/api/v1/users/${id}`, { method: "DELETE", cookie: by });
  const tokenOf = async (who: Person) => {
    const made = await who.ask("/api/v1/tokens", { method: "POST", json: { name: "t", role: "view" } });
    return made.body.secret as string;
  };
  const openSocket = async (headers: Record<string, string>) => {
    const socket = new WebSocket(`${web.origin.replace("http", "ws")}/api/v1/live`, { headers });
    await once(socket, "open");
    return socket;
  };
  const password = "a quiet afternoon outside";
  const signIn = (who: Person) => web.ask("/api/v1/session", { method: "POST", json: { email: who.email, password } });

  it("are listed for administrators of the installation alone, searched, sorted and page by page", async () => {
    const ben = await person(web, { [org]: [{ role: "view" }], [await web.organization()]: [{ role: "view" }] });
    expect((await owner.ask("/api/v1/users")).status).toBe(403);
    const { items } = await list(`search=${ben.email.slice(0, 12)}`);
    expect(items).toMatchObject([
      {
        id: ben.id,
        email: ben.email,
        organizations: 2,
        sessions: 1,
        factors: { hasPassword: true, totp: false, passkey: false, linked: false },
        installationAdministrator: false,
        disabledAt: null,
        you: false,
      },
    ]);
    expect(Date.now() - Date.parse(items[0].lastSignInAt)).toBeLessThan(60_000);
    await web.ctx.sql`update users set last_sign_in_at = null where id = ${owner.id}`;
    for (const sort of ["name", "-name", "email", "-email", "lastSignInAt", "-lastSignInAt"]) {
      const whole = (await list(`sort=${sort}&limit=500`)).items.map(({ id }: Person) => id);
      const ids: string[] = [];
      for (let cursor: string | null = ""; cursor !== null;) {
        const page: { items: Person[]; nextCursor: string | null } = await list(`sort=${sort}&limit=2${cursor && `&cursor=${cursor}`}`);
        ids.push(...page.items.map(({ id }) => id));
        cursor = page.nextCursor;
      }
      expect([sort, ids]).toEqual([sort, whole]);
      expect(new Set(ids).size).toBe(ids.length);
    }
    expect((await list("sort=lastSignInAt&limit=1")).items[0].lastSignInAt).toBe(null);
    expect((await list("administrators=true")).items).toMatchObject([{ email: adminEmail, you: true }]);
    expect((await list("search=%25")).items).toEqual([]);
  });

  it("who are disabled lose sessions, tokens and sockets at once, and no way in is left until they are enabled", async () => {
    const ben = await person(web, { [org]: [{ role: "admin" }] });
    const token = await tokenOf(ben);
    const invitation = { email: null, grants: [{ role: "view", scope: { kind: "organization" } }] };
    const { link } = (await ben.ask("/api/v1/invitations", { method: "POST", json: invitation })).body;
    const accept = { method: "POST", json: { code: link.split("#")[1] } };
    const cleo = await person(web, { [await web.organization()]: [{ role: "view" }] });
    const sockets = [await openSocket({ cookie: ben.cookie, origin: web.origin }), await openSocket({ authorization: `Bearer ${token}` })];
    const closed = Promise.all(sockets.map(async (socket) => ((await once(socket, "close")) as [number])[0]));
    expect((await change(ben.id, { disabled: true })).body).toMatchObject({ id: ben.id, sessions: 0, disabledAt: expect.any(String) });
    expect(await closed).toEqual([4401, 4401]);
    expect((await ben.ask("/api/v1/me")).status).toBe(401);
    expect((await web.ask("/api/v1/me", { token })).status).toBe(401);
    expect(await signIn(ben)).toMatchObject({ status: 403, body: { detail: expect.stringMatching(/disabled/) } });
    for (const by of ["password", "password and code", "password and recovery code", "passkey", "oidc"] as const) {
      const input = { userId: ben.id, by, caller: { address: null, userAgent: null }, requestId: randomUUID() };
      await expect(beginSession({ ctx: web.ctx, auth: web.api.auth, input })).rejects.toMatchObject({ code: "forbidden" });
    }
    // A token that was made at the same moment does nothing either.
    await web.ctx.sql`update api_tokens set revoked_at = null where created_by = ${ben.id}`;
    expect((await web.ask("/api/v1/me", { token })).status).toBe(401);
    await web.ctx.sql`update api_tokens set revoked_at = now() where created_by = ${ben.id}`;
    // What they invited to is given by nobody meanwhile.
    expect((await cleo.ask("/api/v1/invitations/accept", accept)).status).toBe(409);

    expect((await list("state=disabled")).items.map(({ id }: Person) => id)).toEqual([ben.id]);
    expect((await change(ben.id, { disabled: false })).body).toMatchObject({ disabledAt: null });
    expect((await signIn(ben)).status).toBe(200);
    expect((await web.ask("/api/v1/me", { token })).status).toBe(401);
    expect((await cleo.ask("/api/v1/invitations/accept", accept)).status).toBe(204);
    const { audit, events } = await told(web, org);
    expect(audit.filter((action) => action.startsWith("users.") && action !== "users.sign-in")).toEqual(["users.disable", "users.enable"]);
    expect(events.filter((type) => type.startsWith("user."))).toEqual(["user.disabled", "user.enabled"]);
    expect((await told(web, web.ctx.installation.defaultOrganizationId)).audit).toContain("users.disable");
  });

  it("are signed out everywhere, and keep their tokens unless asked to end", async () => {
    const ben = await person(web, { [org]: [{ role: "edit" }] });
    const token = await tokenOf(ben);
    const socket = await openSocket({ cookie: ben.cookie, origin: web.origin });
    const closed = once(socket, "close");
    const out = (json: object) => web.ask(`/api/v1/users/${ben.id}/sign-out`, { method: "POST", cookie, json });
    expect((await out({})).body).toEqual({ sessions: 1, tokens: 0 });
    expect((await closed)[0]).toBe(4401);
    expect((await ben.ask("/api/v1/me")).status).toBe(401);
    expect((await web.ask("/api/v1/me", { token })).status).toBe(200);
    expect((await out({ tokens: true })).body).toEqual({ sessions: 0, tokens: 1 });
    expect((await web.ask("/api/v1/me", { token })).status).toBe(401);
  });

  it("share the office, which takes effect at once and never ends with the last one", async () => {
    const [{ id: anna }] = (await list("administrators=true")).items;
    for (const attempt of [{ installationAdministrator: false }, { disabled: true }])
      expect([attempt, (await change(anna, attempt)).status]).toEqual([attempt, 409]);
    expect((await remove(anna)).status).toBe(409);
    expect((await owner.ask("/api/v1/settings/mail")).status).toBe(403);
    expect((await change(owner.id, { installationAdministrator: true })).body.installationAdministrator).toBe(true);
    expect((await owner.ask("/api/v1/settings/mail")).status).toBe(200);
    expect((await told(web, org)).events).toContain("user.administrator-changed");
    // Both take the office from each other at once: one of them keeps it.
    const both = await Promise.all([
      change(anna, { installationAdministrator: false }, owner.cookie),
      change(owner.id, { installationAdministrator: false }),
    ]);
    expect(both.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 403]);
    const left = await web.ctx.sql<{ id: string }[]>`select id from users where installation_administrator`;
    expect(left).toHaveLength(1);
    await web.ctx.sql`update users set installation_administrator = (email = ${adminEmail})`;
    for (const { id } of left) web.ctx.bus.emit("principal.revoked", { kind: "user", id });
    expect((await owner.ask("/api/v1/settings/mail")).status).toBe(403);
    const ben = await person(web, { [org]: [{ role: "view" }] });
    await change(ben.id, { disabled: true });
    expect((await change(ben.id, { installationAdministrator: true })).status).toBe(409);
  });

  it("who are removed leave nothing behind but what they did", async () => {
    const ben = await person(web, { [org]: [{ role: "admin" }] });
    const token = await tokenOf(ben);
    const socket = await openSocket({ cookie: ben.cookie, origin: web.origin });
    const closed = once(socket, "close");
    expect((await remove(ben.id)).status).toBe(204);
    expect((await closed)[0]).toBe(4401);
    expect([(await ben.ask("/api/v1/me")).status, (await web.ask("/api/v1/me", { token })).status]).toEqual([401, 401]);
    expect((await signIn(ben)).status).toBe(401);
    const [rest] = await web.ctx.sql<{ grants: number; audit: number }[]>`
      select (select count(*)::int from grants where organization_id = ${org} and principal_kind in ('user', 'token') and principal_id <> ${owner.id}) as grants,
        (select count(*)::int from audit_log where actor_id = ${ben.id}) as audit`;
    expect(rest!.grants).toBe(0);
    expect(rest!.audit).toBeGreaterThan(0);
    expect((await told(web, org)).events).toContain("member.left");
    expect((await remove(ben.id)).status).toBe(404);
    expect(await remove(owner.id)).toMatchObject({ status: 409, body: { detail: expect.stringMatching(/only owner of "Other"/) } });
    expect((await owner.ask("/api/v1/me")).status).toBe(200);
  });

  it("ask an administrator who it is before rights change", async () => {
    await web.ctx.sql`update sessions set confirmed_at = null`;
    for (const { id } of (await list("administrators=true")).items) web.ctx.bus.emit("principal.revoked", { kind: "user", id });
    expect((await change(owner.id, { disabled: true })).body.code).toBe("step_up_required");
    expect((await remove(owner.id)).body.code).toBe("step_up_required");
  });
});
