import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { testWeb, type TestWeb } from "../../testing/web.ts";
import { purgeIdempotencyKeys, withIdempotencyKey } from "./idempotency.ts";

describe("Idempotency-Key", () => {
  let web: TestWeb;
  let token: string;
  beforeAll(async () => {
    web = await testWeb();
    token = await web.token("admin");
  });
  afterAll(() => web.close());

  const create = (key: string, json: unknown, as = token) =>
    web.ask("/api/v1/tokens", { method: "POST", token: as, json, headers: { "idempotency-key": key } });
  const named = async (name: string) => (await web.ctx.sql`select id from api_tokens where name = ${name}`).length;

  it("gives the first answer again and does the work once", async () => {
    const first = await create("once", { name: "once", role: "view" });
    const again = await create("once", { name: "once", role: "view" });
    expect(first.status).toBe(201);
    expect([again.status, again.body]).toEqual([201, first.body]);
    expect([first.headers.get("idempotency-replayed"), again.headers.get("idempotency-replayed")]).toEqual([null, "true"]);
    expect(await named("once")).toBe(1);
  });

  it("does the work once for many at the same time", async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => create("storm", { name: "storm", role: "view" })));
    expect(await named("storm")).toBe(1);
    expect(answers.filter(({ status }) => status !== 201 && status !== 409)).toEqual([]);
    expect(new Set(answers.filter(({ status }) => status === 201).map(({ body }) => body.secret)).size).toBe(1);
  });

  it("refuses the same key with another body", async () => {
    await create("other", { name: "a", role: "view" });
    const answer = await create("other", { name: "b", role: "view" });
    expect([answer.status, answer.body.code]).toEqual([422, "invalid"]);
  });

  it("keeps keys of two principals apart", async () => {
    const first = await create("shared", { name: "mine", role: "view" });
    const second = await create("shared", { name: "mine", role: "view" }, await web.token("admin"));
    expect(second.status).toBe(201);
    expect(second.body.secret).not.toBe(first.body.secret);
    expect((await create("shared", { name: "mine", role: "view" })).body).toEqual(first.body);
  });

  it("stores refusals, and no secret in clear", async () => {
    const refused = await create("refused", { name: "x", role: "owner" });
    const again = await create("refused", { name: "x", role: "owner" });
    expect([refused.status, again.status, again.body]).toEqual([403, 403, refused.body]);
    const { body } = await create("clear", { name: "clear", role: "view" });
    const stored = JSON.stringify(await web.ctx.sql`select * from idempotency_keys`);
    expect(stored).not.toContain(body.secret);
  });

  it("refuses keys that are no keys", async () => {
    for (const key of ["a b", "x".repeat(256)]) expect((await create(key, { name: "k", role: "view" })).status).toBe(422);
  });

  it("frees the key when the work failed here, and after its controller died", async () => {
    const owner = { organizationId: web.ctx.installation.defaultOrganizationId, principal: "user:x" };
    const run = (work: () => Promise<{ status: number; body: unknown }>, now = Date.now()) =>
      withIdempotencyKey({ ...web.ctx, clock: { now: () => now } }, owner, "key", ["body"], work);
    await expect(run(() => Promise.reject(new Error("database away")))).rejects.toThrow("database away");
    let release = () => {};
    const running = run(() => new Promise((resolve) => (release = () => resolve({ status: 200, body: 1 }))));
    await expect.poll(() => web.ctx.sql`select 1 from idempotency_keys where key = 'key'`.then((rows) => rows.length)).toBe(1);
    await expect(run(async () => ({ status: 200, body: 2 }))).rejects.toMatchObject({ code: "conflict" });
    expect(await run(async () => ({ status: 200, body: 3 }), Date.now() + 6 * 60_000)).toMatchObject({ body: 3, replayed: false });
    release();
    await running;
  });

  it("forgets after 24 h", async () => {
    expect(await purgeIdempotencyKeys(web.ctx)).toBe(0);
    const later = { ...web.ctx, clock: { now: () => Date.now() + 24 * 3_600_000 + 1 } };
    expect(await purgeIdempotencyKeys(later)).toBeGreaterThan(3);
  });
});
