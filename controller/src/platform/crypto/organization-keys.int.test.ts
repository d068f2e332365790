import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type TestContext, testContext } from "../../testing/context.ts";
import { createMasterKey, openForOrganization, sealForOrganization } from "./index.ts";
import { makeDataKey } from "./organization-keys.ts";

let ctx: TestContext;
let own: string;
let other: string;
let nowMs = Date.now();
const secret = Buffer.from("whsec_marked");
beforeAll(async () => {
  ctx = await testContext({ clock: { now: () => nowMs } });
  own = ctx.installation.defaultOrganizationId;
  const [row] = await ctx.sql<{ id: string }[]>`insert into organizations (name) values ('Other') returning id`;
  other = row!.id;
});
afterAll(() => ctx.close());

/** Another controller: the same keys and database, nothing remembered. */
const another = () => ({ ...ctx, masterKey: { ...ctx.masterKey } });

it("opens what it sealed, for the same organisation and purpose alone", async () => {
  const sealed = await sealForOrganization(ctx, own, "webhooks.secret:1", secret);
  expect(sealed.includes(secret)).toBe(false);
  for (const controller of [ctx, another()]) {
    expect(await openForOrganization(controller, own, "webhooks.secret:1", sealed)).toEqual(secret);
    await expect(openForOrganization(controller, own, "webhooks.secret:2", sealed)).rejects.toThrow(/cannot be opened/);
  }
  await sealForOrganization(ctx, other, "webhooks.secret:1", secret);
  await expect(openForOrganization(ctx, other, "webhooks.secret:1", sealed)).rejects.toThrow(/cannot be opened/);
  await expect(
    openForOrganization({ ...ctx, masterKey: createMasterKey(randomBytes(32)) }, own, "webhooks.secret:1", sealed),
  ).rejects.toThrow(/cannot be opened/);
});

it("refuses bytes that were changed or cut anywhere, the version included", async () => {
  const sealed = await sealForOrganization(ctx, own, "p", secret);
  for (let at = 0; at < sealed.length; at++) {
    const changed = Buffer.from(sealed);
    changed[at] = (changed[at] as number) ^ 1;
    await expect(openForOrganization(ctx, own, "p", changed)).rejects.toThrow(/cannot be opened|not sealed/);
    await expect(openForOrganization(ctx, own, "p", sealed.subarray(0, at))).rejects.toThrow(/cannot be opened|not sealed/);
  }
});

it("makes one first key when many seal at once", async () => {
  const [row] = await ctx.sql<{ id: string }[]>`insert into organizations (name) values ('Third') returning id`;
  const controllers = Array.from({ length: 8 }, another);
  const sealed = await Promise.all(controllers.map((controller) => sealForOrganization(controller, row!.id, "p", secret)));
  for (const bytes of sealed) expect(await openForOrganization(ctx, row!.id, "p", bytes)).toEqual(secret);
  expect((await ctx.sql`select 1 from organization_keys where organization_id = ${row!.id}`).length).toBe(1);
});

it("seals with a newer key as soon as what it remembers is old, and opens both", async () => {
  const before = await sealForOrganization(ctx, own, "p", secret);
  await makeDataKey(ctx, own, 2);
  nowMs += 31_000;
  const after = await sealForOrganization(ctx, own, "p", secret);
  expect([before.readUInt32BE(1), after.readUInt32BE(1)]).toEqual([1, 2]);
  for (const bytes of [before, after]) expect(await openForOrganization(another(), own, "p", bytes)).toEqual(secret);
  await ctx.sql`delete from organization_keys where organization_id = ${own} and version = 1`;
  await expect(openForOrganization(another(), own, "p", before)).rejects.toThrow(/Version 1 of the data key .* is not there/);
});
