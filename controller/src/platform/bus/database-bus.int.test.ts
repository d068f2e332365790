import { randomBytes } from "node:crypto";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { type TestContext, testContext } from "../../testing/context.ts";
import { createMasterKey } from "../crypto/index.ts";
import type { Stop } from "../stop.ts";
import { createBus, joinDatabaseBus, type ProcessBus } from "./index.ts";

let ctx: TestContext;
beforeAll(async () => {
  ctx = await testContext();
});
afterAll(() => ctx.close());

const stops: Stop[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

const join = async (options: { masterKey?: TestContext["masterKey"]; askEveryMs?: number } = {}): Promise<ProcessBus> => {
  const bus = createBus((error) => {
    throw error;
  });
  const log = ctx.log.child({}, { level: "silent" });
  stops.push(await joinDatabaseBus({ bus, sql: ctx.sql, target: ctx.directTarget, masterKey: ctx.masterKey, log, ...options }));
  return bus;
};
const heard = (bus: ProcessBus) => {
  const events: unknown[] = [];
  bus.on("server.changed", (event, origin) => origin !== null && events.push(event.serverId));
  bus.on("principal.revoked", (event, origin) => origin !== null && events.push(event.id));
  bus.on("live.watchers", (event, origin) => origin !== null && events.push(event.serverId));
  bus.on("bus.resumed", () => events.push("resumed"));
  return events;
};
const change = (serverId: string) => ({ organizationId: ctx.installation.defaultOrganizationId, serverId });

it("tells every other process of what travels, in both directions, and itself once", async () => {
  const [a, b, c] = [await join(), await join(), await join()];
  const [atA, atB, atC] = [heard(a), heard(b), heard(c)];
  let here = 0;
  a.on("server.changed", () => here++);
  a.emit("server.changed", change("1"));
  a.emit("live.watchers", { serverId: "stays here", watchers: 1 });
  b.emit("principal.revoked", { kind: "user", id: "2" });
  await expect.poll(() => [atA, atB, new Set(atC)]).toEqual([["2"], ["1"], new Set(["1", "2"])]);
  expect(here).toBe(1);
});

it("takes a flood of 10,000 events without losing one, and a revocation in the midst of it first", async () => {
  const [a, b] = [await join(), await join()];
  const atB = heard(b);
  const ids = Array.from({ length: 10_000 }, () => crypto.randomUUID());
  for (const id of ids) for (let twice = 0; twice < 2; twice++) a.emit("server.changed", change(id));
  a.emit("principal.revoked", { kind: "session", id: "urgent" });
  await expect.poll(() => atB.length, { timeout: 30_000 }).toBe(ids.length + 1);
  expect(atB[0]).toBe("urgent");
  expect(new Set(atB)).toEqual(new Set(["urgent", ...ids]));
});

it("listens again when its connection is ended, and says that it may have missed something", async () => {
  const [a, b] = [await join(), await join()];
  const atB = heard(b);
  const end = async () =>
    (
      await ctx.sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'devflow bus' and datname = current_database()`
    ).length;
  for (let times = 1; times <= 3; times++) {
    expect(await end()).toBe(2);
    await expect.poll(() => atB.length, { timeout: 60_000 }).toBe(times);
    await expect
      .poll(
        async () =>
          (await ctx.sql`select from pg_stat_activity where application_name = 'devflow bus' and datname = current_database()`).length,
      )
      .toBe(2);
  }
  expect(atB).toEqual(["resumed", "resumed", "resumed"]);
  a.emit("server.changed", change("after"));
  await expect.poll(() => atB.at(-1)).toBe("after");
});

it("keeps events while the database refuses them", async () => {
  const [a, b] = [await join(), await join()];
  const atB = heard(b);
  let down = true;
  const sql = ((...args: Parameters<typeof ctx.sql>) =>
    down ? Promise.reject(Object.assign(new Error("gone"), { code: "ECONNRESET" })) : ctx.sql(...args)) as typeof ctx.sql;
  const c = createBus((error) => {
    throw error;
  });
  stops.push(
    await joinDatabaseBus({ bus: c, sql, target: ctx.directTarget, masterKey: ctx.masterKey, log: ctx.log.child({}, { level: "silent" }) }),
  );
  c.emit("principal.revoked", { kind: "token", id: "kept" });
  a.emit("server.changed", change("meanwhile"));
  await expect.poll(() => atB).toEqual(["meanwhile"]);
  down = false;
  await expect.poll(() => atB).toEqual(["meanwhile", "kept"]);
});

it("believes no one who has the database but not the key", async () => {
  const b = await join();
  const atB = heard(b);
  const stranger = await join({ masterKey: createMasterKey(randomBytes(32)) });
  const seen: string[] = [];
  const spy = await ctx.sql.listen("devflow_bus", (payload) => seen.push(payload));
  stranger.emit("principal.revoked", { kind: "user", id: "forged" });
  await ctx.sql`select pg_notify('devflow_bus', ${JSON.stringify({ events: [["principal.revoked", { kind: "user", id: "plain" }]] })})`;
  await ctx.sql`select pg_notify('devflow_bus', 'x')`;
  const a = await join();
  a.emit("principal.revoked", { kind: "user", id: "true" });
  await expect.poll(() => atB).toEqual(["true"]);
  await expect.poll(() => seen.length).toBe(4);
  expect(seen.filter((payload) => payload.includes("true"))).toEqual([]);
  await spy.unlisten();
});

it("refuses to begin when it cannot listen", async () => {
  const bus = createBus(() => undefined);
  const target = { url: "postgres://devflow@127.0.0.1:1/devflow" };
  await expect(joinDatabaseBus({ bus, sql: ctx.sql, target, masterKey: ctx.masterKey, log: ctx.log })).rejects.toThrow(/ECONNREFUSED/);
});
