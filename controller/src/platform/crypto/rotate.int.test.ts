import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { randomBytes, randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sealedColumns } from "../../sealed-columns.ts";
import { type TestContext, testContext } from "../../testing/context.ts";
import { readSetting, writeSetting } from "../settings/index.ts";
import { z } from "zod";
import {
  changeMasterKey,
  checkKeys,
  createMasterKey,
  lastingKey,
  type MasterKey,
  openForOrganization,
  rotateOrganizationKeys,
  sealForOrganization,
} from "./index.ts";

let ctx: TestContext;
let organizations: string[];
beforeEach(async () => {
  ctx = await testContext();
  const [row] = await ctx.sql<{ id: string }[]>`insert into organizations (name) values ('Other') returning id`;
  organizations = [ctx.installation.defaultOrganizationId, row!.id];
});
afterEach(() => ctx.close());

/** A controller that remembers nothing. */
const fresh = (masterKey: MasterKey = ctx.masterKey) => ({ ...ctx, masterKey: { ...masterKey } });

async function webhooks(count: number, organizationId: string, own: TestContext = ctx): Promise<void> {
  const rows: object[] = [];
  for (let i = 0; i < count; i++) {
    const id = randomUUID();
    const sealed = await sealForOrganization(own, organizationId, `webhooks.secret:${id}`, Buffer.from(`secret of ${id}`));
    rows.push({ id, organization_id: organizationId, name: "w", url: "https://example.com", types: ["*"], sealed_secret: sealed });
  }
  for (let at = 0; at < rows.length; at += 1_000) await ctx.sql`insert into webhooks ${ctx.sql(rows.slice(at, at + 1_000) as never[])}`;
}

interface Secret {
  id: string;
  organizationId: string;
  sealed: Buffer;
}
const stored = () => ctx.sql<Secret[]>`select id, organization_id as "organizationId", sealed_secret as sealed from webhooks order by id`;
async function expectAllOpen(masterKey?: MasterKey): Promise<void> {
  const controller = fresh(masterKey);
  for (const { id, organizationId, sealed } of await stored()) {
    const opened = await openForOrganization(controller, organizationId, `webhooks.secret:${id}`, sealed);
    expect(opened.toString()).toBe(`secret of ${id}`);
  }
}
const versions = async () =>
  (await ctx.sql<{ v: string }[]>`select organization_id || ' ' || version as v from organization_keys`).map(({ v }) => v).toSorted();
const rotate = (graceMs = 0, batch = 7) =>
  rotateOrganizationKeys({ target: ctx.directTarget, masterKey: ctx.masterKey, columns: sealedColumns, graceMs, batch });

describe("rotation of data keys", () => {
  it("seals everything of every organisation again, each under its own new key, and deletes the old ones", async () => {
    for (const organization of organizations) await webhooks(20, organization);
    const before = await stored();
    expect(await rotate()).toEqual({ organizations: 2, resealed: 40, unopened: [] });
    expect(await versions()).toEqual(organizations.map((id) => `${id} 2`).toSorted());
    const after = await stored();
    expect(after.filter(({ sealed }, i) => sealed.equals(before[i]!.sealed))).toEqual([]);
    await expectAllOpen();
    expect((await rotate()).resealed).toBe(40);
    expect(await versions()).toEqual(organizations.map((id) => `${id} 3`).toSorted());
  });

  it("loses nothing that a running controller seals with the key before, meanwhile", async () => {
    await webhooks(30, organizations[0]!);
    const running = rotate(1_500);
    await expect.poll(versions).toContain(`${organizations[0]} 2`);
    // This controller remembers version 1 for half a minute.
    await webhooks(1, organizations[0]!);
    expect((await stored()).some(({ sealed }) => sealed.readUInt32BE(1) === 1)).toBe(true);
    expect((await running).resealed).toBe(31);
    expect(await versions()).toEqual([`${organizations[0]} 2`]);
    await expectAllOpen();
  });

  it("runs once at a time, and keeps the old key of what it cannot open", async () => {
    await webhooks(3, organizations[0]!);
    await ctx.sql`update webhooks set sealed_secret = set_byte(sealed_secret, 20, get_byte(sealed_secret, 20) # 1) where id = (select min(id::text)::uuid from webhooks)`;
    const [first, second] = await Promise.allSettled([rotate(500), sleep(100).then(() => rotate())]);
    expect(second).toMatchObject({ status: "rejected", reason: { code: "conflict" } });
    expect(first).toMatchObject({ value: { resealed: 2, unopened: [{ table: "webhooks", column: "sealed_secret" }] } });
    expect(await versions()).toEqual([`${organizations[0]} 1`, `${organizations[0]} 2`]);
  });

  it("goes on where kill -9 ended it", async () => {
    const secretKey = randomBytes(32);
    const masterKey = createMasterKey(secretKey);
    const own = { ...ctx, masterKey };
    for (const organization of organizations) await webhooks(400, organization, own);
    const given = JSON.stringify({ target: ctx.directTarget, key: secretKey.toString("base64") });
    const child = spawn(process.execPath, [fileURLToPath(new URL("rotate.testkit.ts", import.meta.url)), given], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    const count = async () =>
      (await ctx.sql<{ n: number }[]>`select count(*)::int as n from webhooks where get_byte(sealed_secret, 4) = 2`)[0]!.n;
    await expect.poll(count, { timeout: 30_000, interval: 5 }).toBeGreaterThan(0);
    child.kill("SIGKILL");
    await once(child, "exit");
    const left = await count();
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThan(800);
    await expectAllOpen(masterKey);
    const made = await versions();
    expect(made).toEqual(organizations.flatMap((id) => [`${id} 1`, `${id} 2`]).toSorted());
    const result = await rotateOrganizationKeys({ target: ctx.directTarget, masterKey, columns: sealedColumns, graceMs: 0 });
    expect(result.resealed).toBe(800 - left);
    expect(await versions()).toEqual(organizations.map((id) => `${id} 2`).toSorted());
    await expectAllOpen(masterKey);
  });
});

describe("change of the master key", () => {
  const to = createMasterKey(randomBytes(32));
  const schema = z.object({ host: z.string() });
  const change = (from = ctx.masterKey) => changeMasterKey({ target: ctx.directTarget, log: ctx.log, columns: sealedColumns, from, to });
  const start = (masterKey: MasterKey) =>
    checkKeys({
      target: ctx.directTarget,
      log: ctx.log,
      config: { ...ctx.config, secretKey: "given", roles: new Set(["web"]) },
      masterKey,
    });

  it("rewraps everything at once: data keys, settings, factors, stored answers; the old key opens nothing any more", async () => {
    await start(ctx.masterKey);
    for (const organization of organizations) await webhooks(5, organization);
    await writeSetting(ctx.db, ctx, "mail", { host: "h" }, { password: "smtp" });
    await ctx.sql`insert into users (id, name, email) values ('u', 'u', 'u@example.com')`;
    await ctx.sql`insert into totp_factors (user_id, sealed) values ('u', ${ctx.masterKey.wrap("totp:u", Buffer.from("totp"))})`;
    const answer = ctx.masterKey.wrap(`idempotency:${organizations[0]}:user:u:k`, Buffer.from("{}")).toString("base64");
    await ctx.sql`insert into idempotency_keys (organization_id, principal, key, request_hash, status, body)
      values (${organizations[0]!}, 'user:u', 'k', 'h', 200, to_jsonb(${answer}::text))`;
    const lasting = await lastingKey(ctx, "recovery codes");

    expect(await change()).toEqual({ changed: true, rewrapped: 5, unopened: [] });
    const changed = { ...ctx, masterKey: to };
    await expectAllOpen(to);
    expect((await readSetting(changed, "mail", schema))?.secrets["password"]).toBe("smtp");
    const [factor] = await ctx.sql<{ sealed: Buffer }[]>`select sealed from totp_factors`;
    expect(to.unwrap("totp:u", factor!.sealed).toString()).toBe("totp");
    const [kept] = await ctx.sql<{ body: string }[]>`select body from idempotency_keys`;
    expect(to.unwrap(`idempotency:${organizations[0]}:user:u:k`, Buffer.from(kept!.body, "base64")).toString()).toBe("{}");
    expect(await lastingKey(changed, "recovery codes")).toEqual(lasting);
    await expect(readSetting(ctx, "mail", schema)).rejects.toThrow(/cannot be opened/);
    await start(to);
    await expect(start(ctx.masterKey)).rejects.toThrow(/is not the master key/);
    expect(await change()).toEqual({ changed: false, rewrapped: 0, unopened: [] });
  });

  it("changes nothing when it is ended before its end, or while a controller runs, or from a wrong key", async () => {
    await start(ctx.masterKey);
    await webhooks(3, organizations[0]!);
    await ctx.sql`insert into controllers (id, hostname, roles, version, started_at, seen_at) values (gen_random_uuid(), 'web-7', '{}', '1', now(), now())`;
    await expect(change()).rejects.toThrow(/Controllers run on this database .web-7/);
    await ctx.sql`delete from controllers`;
    await expect(change(createMasterKey(randomBytes(32)))).rejects.toThrow(/not the master key/);
    // The last statement of all fails.
    await ctx.sql`create function broken() returns trigger language plpgsql as $$ begin raise exception 'on purpose'; end $$`;
    await ctx.sql`create trigger broken before update on installation for each row execute function broken()`;
    await expect(change()).rejects.toThrow(/on purpose/);
    await ctx.sql`drop function broken cascade`;
    await start(ctx.masterKey);
    await expectAllOpen();
  });
});

it("every column that may hold sealed bytes is known to the rotations, or is known to hold none", async () => {
  const open = ["passkeys.public_key"];
  const columns = await ctx.sql<{ name: string }[]>`
    select table_name || '.' || column_name as name from information_schema.columns where table_schema = 'public' and data_type = 'bytea'`;
  const sealed = sealedColumns.filter(({ stored: as }) => as !== "base64-json").map(({ table, column }) => `${table}.${column}`);
  expect(columns.map(({ name }) => name).toSorted()).toEqual([...sealed, ...open].toSorted());
  for (const { table, key } of sealedColumns) {
    const [row] = await ctx.sql<{ columns: string[] }[]>`
      select array_agg(a.attname::text) as columns from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
      where i.indrelid = ${table}::regclass and i.indisprimary`;
    expect([table, [...key].toSorted()]).toEqual([table, row!.columns.toSorted()]);
  }
});
