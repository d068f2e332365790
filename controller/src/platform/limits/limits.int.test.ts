import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createWeb } from "../../web.ts";
import { features } from "../../features.ts";
import { guessLimits } from "../auth/attempts.ts";
import { createBus } from "../bus/index.ts";
import type { Context } from "../context.ts";
import { listenWeb, type WebListener } from "../http/server.ts";
import { adminEmail, testWeb, type TestWeb } from "../../testing/web.ts";
import { createThrottle } from "./index.ts";
import { blockOf } from "./request-limits.ts";
import { purgeWindows } from "./windows.ts";

/** Two controllers on one database: the second has a bus of its own, so that nothing but the database is shared. */
describe("limits of two controllers", () => {
  const limit = 100;
  /** In the middle of a minute, and standing still. */
  const now = { ms: Date.UTC(2026, 0, 1, 12, 0, 30) };
  let web: TestWeb;
  let second: { origin: string; listener: WebListener; close(): Promise<void> };
  beforeAll(async () => {
    web = await testWeb({ rateLimit: { known: limit, unknown: 40 } });
    const ctx: Context = { ...web.ctx, bus: createBus(() => undefined) };
    const other = await createWeb(ctx, features, "/nonexistent");
    const listener = await listenWeb(ctx, other.api);
    second = { origin: `http://127.0.0.1:${listener.port}`, listener, close: () => other.close() };
  });
  afterAll(async () => {
    await second.listener.close();
    await second.close();
    await web.close();
  });

  const askSecond = (path: string, headers: Record<string, string> = {}, init: RequestInit = {}) =>
    fetch(second.origin + path, { ...init, headers: { ...headers, ...(init.headers as object) } });

  /** Within one minute by the clock, so that no window ends in the middle. */
  const withinAMinute = async (): Promise<void> => {
    const left = 60_000 - (Date.now() % 60_000);
    if (left < 20_000) await new Promise((resolve) => setTimeout(resolve, left + 100));
  };

  it("let a token's limit through in total, tell what is left, and refuse the rest with 429", { timeout: 120_000 }, async () => {
    await withinAMinute();
    const token = await web.token("view");
    const statuses: number[] = [];
    const one = async (i: number) => {
      const answer =
        i % 2 === 0 ? await web.ask("/api/v1/me", { token }) : await askSecond("/api/v1/me", { authorization: `Bearer ${token}` });
      statuses.push(answer.status);
      expect(answer.headers.get("ratelimit-limit")).toBe(String(limit));
      expect(Number(answer.headers.get("ratelimit-reset"))).toBeGreaterThan(0);
      const told = [answer.headers.get("ratelimit-remaining") === "0", Number(answer.headers.get("retry-after")) > 0];
      expect(answer.status !== 429 || told.every(Boolean)).toBe(true);
    };
    for (let i = 0; i < 3 * limit; i += 10) await Promise.all(Array.from({ length: 10 }, (_, n) => one(i + n)));
    const through = statuses.filter((status) => status === 200).length;
    expect(statuses.every((status) => status === 200 || status === 429)).toBe(true);
    expect(Math.abs(through - limit)).toBeLessThanOrEqual(2 * blockOf(limit));
    const rows = await web.ctx.sql`select key from limit_windows where key like 'api:token:%'`;
    expect(rows).toHaveLength(1);
    // Another token of the same organisation has its own.
    expect((await web.ask("/api/v1/me", { token: await web.token("view") })).status).toBe(200);
  });

  it("count whoever has no valid credentials by address, apart from probes", { timeout: 120_000 }, async () => {
    await withinAMinute();
    let through = 0;
    for (let i = 0; i < 80; i++) {
      const { status } = await web.ask("/api/v1/servers", { token: `devflow_api_wrong${i}` });
      expect([401, 429]).toContain(status);
      if (status === 401) through += 1;
    }
    expect(Math.abs(through - 40)).toBeLessThanOrEqual(2 * blockOf(40));
    expect((await web.ask("/api/v1/nothing")).status).toBe(429);
    expect((await web.ask("/api/v1/session", { method: "POST", json: { email: adminEmail, password: "x" } })).status).toBe(429);
    for (const probe of ["/healthz", "/readyz"]) expect((await web.ask(probe)).status).toBe(200);
    expect((await web.ask("/api/v1/me", { token: await web.token("view") })).status).toBe(200);
  });

  it("count guesses together", async () => {
    const clock = { now: () => now.ms };
    const [a, b] = [createThrottle({ sql: web.ctx.sql, clock }, guessLimits), createThrottle({ sql: web.ctx.sql, clock }, guessLimits)];
    const keys = ["both:anna@example.com|1", "address:1", "account:anna@example.com"];
    for (let i = 0; i < 5; i++) expect(await (i % 2 ? a : b).count(keys)).toBe(0);
    expect([await a.count(keys), await b.waitSeconds(keys)]).toEqual([900, 900]);
    expect(await b.count(["both:anna@example.com|2", "address:2", "account:anna@example.com"])).toBe(0);
    const stored = await web.ctx.sql`select key, used from limit_windows where key like 'try:%'`;
    expect(JSON.stringify(stored)).not.toContain("example.com");
    now.ms += 900_000;
    expect(await a.count(keys)).toBe(0);
  });

  it("stop one address that tries many accounts, and many addresses that try one account", async () => {
    const throttle = createThrottle({ sql: web.ctx.sql, clock: { now: () => now.ms } }, guessLimits);
    for (let i = 0; i < 20; i++) expect(await throttle.count([`both:${i}|9`, "address:9", `account:${i}`])).toBe(0);
    expect(await throttle.count(["both:new|9", "address:9", "account:new"])).toBeGreaterThan(0);
    for (let i = 0; i < 50; i++) expect(await throttle.count([`both:z|${i}`, `address:x${i}`, "account:z"])).toBe(0);
    expect(await throttle.count(["both:z|new", "address:new", "account:z"])).toBeGreaterThan(0);
  });

  it("count no guess that was right, and wipe out none that was wrong", async () => {
    const throttle = createThrottle({ sql: web.ctx.sql, clock: { now: () => now.ms } }, guessLimits);
    for (let i = 0; i < 19; i++) await throttle.count(["address:r"]);
    for (let i = 0; i < 10; i++) {
      expect(await throttle.count(["address:r"])).toBe(0);
      await throttle.takeBack(["address:r"]);
    }
    expect(await throttle.count(["address:r"])).toBe(0);
    expect(await throttle.waitSeconds(["address:r"])).toBe(900);
    await throttle.forget(["address:r"]);
    expect(await throttle.waitSeconds(["address:r"])).toBe(0);
  });

  it("let no more guesses through when they come together", async () => {
    const throttle = createThrottle({ sql: web.ctx.sql, clock: { now: () => now.ms } }, guessLimits);
    const waits = await Promise.all(Array.from({ length: 40 }, () => throttle.count(["both:t|1", "address:t", "account:t"])));
    expect(waits.filter((wait) => wait === 0).length).toBeLessThanOrEqual(5);
  });

  it("never wait for each other in a circle, whoever counts, takes back and forgets at once", async () => {
    const throttle = createThrottle({ sql: web.ctx.sql, clock: { now: () => now.ms } }, guessLimits);
    const keys = ["both:u|1", "address:u", "account:u"];
    for (const last of [() => throttle.takeBack(keys), () => throttle.forget(keys)]) {
      // They lie in the table the other way round than they are counted in.
      for (const key of keys) await throttle.count([key]);
      const all = Array.from({ length: 300 }, (_, n) => (n % 2 === 0 ? throttle.count(keys) : throttle.takeBack(keys)));
      await expect(Promise.all([...all, last()])).resolves.toHaveLength(301);
      await throttle.forget(keys);
    }
  });

  it("are forgotten after their windows", async () => {
    await purgeWindows({ db: web.ctx.db, clock: { now: () => Date.now() + 3_600_000 } });
    expect(await web.ctx.sql`select 1 from limit_windows where ends_at < now()`).toHaveLength(0);
  });
});
