import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { testWeb, type TestWeb } from "../../testing/web.ts";

describe("the first steps", () => {
  let web: TestWeb;
  let cookie: string;
  let userId: string;
  const path = "/api/v1/me/first-steps";
  const read = async () => (await web.ask(path, { cookie })).body as { steps: { step: string; done: boolean }[]; away: boolean | null };
  const done = async () => (await read()).steps.filter((one) => one.done).map(({ step }) => step);
  const put = (away: boolean) => web.ask(path, { method: "PUT", cookie, json: { away } });

  beforeAll(async () => {
    web = await testWeb();
    cookie = await web.signIn();
    userId = (await web.ask("/api/v1/me", { cookie })).body.user.id;
  });
  afterAll(() => web.close());

  it("are done by what is there, one after the other", async () => {
    const { sql } = web.ctx;
    expect(await read()).toEqual({
      steps: ["server", "people", "factor", "automation"].map((step) => ({ step, done: false })),
      away: null,
    });
    // Of another organisation: nothing of it counts here.
    const foreign = await web.organization();
    await web.server({ organizationId: foreign });
    await web.token("owner", foreign);
    expect(await done()).toEqual([]);
    await web.server();
    expect(await done()).toEqual(["server"]);
    await web.ask("/api/v1/invitations", {
      method: "POST",
      cookie,
      json: { email: null, grants: [{ role: "view", scope: { kind: "organization" } }], teamIds: [], expiresInDays: 1 },
    });
    expect(await done()).toEqual(["server", "people"]);
    // An authenticator counts from its first right code on.
    await sql`insert into totp_factors (user_id, sealed) values (${userId}, '\\x00')`;
    expect(await done()).toEqual(["server", "people"]);
    await sql`update totp_factors set enabled_at = now() where user_id = ${userId}`;
    expect(await done()).toEqual(["server", "people", "factor"]);
    const made = await web.ask("/api/v1/tokens", {
      method: "POST",
      cookie,
      json: { name: "script", grants: [{ role: "view", scope: { kind: "organization" } }], expiresInDays: 1 },
    });
    expect(made.status).toBe(201);
    expect(await done()).toEqual(["server", "people", "factor", "automation"]);
    await sql`delete from totp_factors`;
  });

  it("are put away and brought back, for this person on every machine", async () => {
    expect((await put(true)).status).toBe(204);
    expect((await read()).away).toBe(true);
    const other = await web.signIn();
    expect((await web.ask(path, { cookie: other })).body.away).toBe(true);
    expect((await put(false)).status).toBe(204);
    expect((await read()).away).toBe(false);
  });

  it("are a person's own", async () => {
    const token = await web.token("owner");
    expect((await web.ask(path, { token })).status).toBe(403);
    expect((await web.ask(path, { method: "PUT", token, json: { away: true } })).status).toBe(403);
  });
});
