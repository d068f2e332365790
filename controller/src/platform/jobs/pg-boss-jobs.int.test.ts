import { afterAll, beforeAll, expect, it } from "vitest";
import { type TestContext, testContext } from "../../testing/context.ts";
import { createJobs } from "./index.ts";

let ctx: TestContext;
beforeAll(async () => {
  ctx = await testContext();
});
afterAll(() => ctx.close());

it("runs each cron in one of several controllers, goes on after a failure, and forgets crons that are gone", async () => {
  await ctx.sql`select 1`;
  const log = ctx.log.child({}, { level: "silent" });
  const ran: string[] = [];
  const start = async (who: string, names: readonly string[]) => {
    const jobs = createJobs({ target: ctx.directTarget, log, pollSeconds: 1 });
    // Six fields: every second, so that the test need not wait for minutes.
    for (const name of names) {
      jobs.cron(name, "* * * * * *", async () => {
        ran.push(`${name} ${who} ${Math.floor(Date.now() / 60_000)}`);
        if (name === "test.fails") throw new Error("on purpose");
      });
    }
    await jobs.start();
    return jobs;
  };
  const old = createJobs({ target: ctx.directTarget, log });
  old.cron("test.gone", "0 0 * * *", async () => undefined);
  await old.start();
  await old.stop();

  const [a, b] = await Promise.all([start("a", ["test.works", "test.fails"]), start("b", ["test.works", "test.fails"])]);
  await expect.poll(() => ran.filter((r) => r.startsWith("test.works")).length, { timeout: 40_000 }).toBeGreaterThan(0);
  await expect.poll(() => ran.filter((r) => r.startsWith("test.fails")).length, { timeout: 40_000 }).toBeGreaterThan(0);
  await Promise.all([a.stop(), b.stop()]);
  const schedules = await ctx.sql<{ key: string }[]>`select key from pgboss.schedule order by key`;
  expect(schedules.map((s) => s.key)).toEqual(["test.fails", "test.works"]);
  const [{ runs, made } = {}] = await ctx.sql<
    { runs: number; made: number }[]
  >`select ${ran.length}::int as runs, count(*)::int as made from pgboss.job where name = 'cron' and state in ('completed', 'active', 'failed')`;
  expect(runs).toBe(made);
  // Both look every second whether a run is due: each minute of a cron makes one, whoever looks first.
  const twice = await ctx.sql`
    select data->>'name' as name from pgboss.job where name = 'cron' group by 1, date_trunc('minute', created_on) having count(*) > 1`;
  expect(twice).toEqual([]);
});
