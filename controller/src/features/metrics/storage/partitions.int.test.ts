import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type TestContext, testContext } from "../../../testing/context.ts";
import { makePartitionsAhead, prepareStorage } from "./index.ts";
import { dropExpired } from "./retention.ts";

const dayMs = 86_400_000;
const retention = { tenSecondDays: 5, minuteDays: 6, hourDays: 40 };

let ctx: TestContext;
beforeAll(async () => {
  ctx = await testContext();
});
afterAll(() => ctx.close());

const insert = (table: string, atMs: number) =>
  ctx.sql`insert into ${ctx.sql(table)} (server_no, instance_no, time, samples) values (1, 0, ${new Date(atMs)}, 1)`;
const count = async (table: string): Promise<number> =>
  (await ctx.sql<{ n: number }[]>`select count(*)::int as n from ${ctx.sql(table)}`)[0]?.n ?? -1;

describe("metric tables", () => {
  it("take rows from 72 h back to days ahead, each once", async () => {
    const now = Date.now();
    for (const at of [now - 72 * 3_600_000 + 60_000, now, now + 2 * dayMs]) await insert("metric_host_10s", at);
    await expect(insert("metric_host_10s", now)).rejects.toMatchObject({ code: "23505" });
    expect(await count("metric_host_10s")).toBe(3);
  });

  it("go on as time goes on, and lose what is past its retention alone", async () => {
    const { storageEngine } = ctx.installation;
    const prepare = (nowMs: number) => (storageEngine === "plain" ? makePartitionsAhead(ctx.sql, nowMs) : Promise.resolve());
    const start = Date.now();
    for (let day = 0; day <= 60; day++) {
      const nowMs = start + day * dayMs;
      await prepare(nowMs);
      for (const table of ["metric_disk_10s", "metric_disk_1m", "metric_disk_1h"]) await insert(table, nowMs);
      if (day % 10 === 0) await dropExpired({ sql: ctx.sql, storageEngine, retention, nowMs });
    }
    // A partition is dropped once its last moment has passed: up to one more day, for hours up to one more month.
    expect(await count("metric_disk_10s")).toBeGreaterThanOrEqual(5);
    expect(await count("metric_disk_10s")).toBeLessThanOrEqual(7);
    expect(await count("metric_disk_1m")).toBeGreaterThanOrEqual(6);
    expect(await count("metric_disk_1m")).toBeLessThanOrEqual(8);
    expect(await count("metric_disk_1h")).toBeGreaterThanOrEqual(40);
    expect(await count("metric_disk_1h")).toBeLessThanOrEqual(61);
  });

  it("are prepared again without harm, by several at once, and get columns that were appended", async () => {
    await ctx.sql`alter table metric_network_10s drop column receive_drops cascade`;
    await ctx.sql`alter table metric_network_1m drop column receive_drops_sum cascade`;
    const prepare = () => prepareStorage({ sql: ctx.sql, storageEngine: ctx.installation.storageEngine, retention, nowMs: Date.now() });
    await Promise.all([prepare(), prepare(), prepare()]);
    await insert("metric_network_10s", Date.now());
    expect(await ctx.sql`select receive_drops, receive_drops_max from metrics_network_10s`).toEqual([
      { receive_drops: null, receive_drops_max: null },
    ]);
    expect(await ctx.sql`select receive_drops_min from metrics_network_1m`).toHaveLength(1);
  });

  it("answer the same from compressed chunks, which take late rows too (TimescaleDB)", async (test) => {
    if (ctx.installation.storageEngine !== "timescaledb") return test.skip();
    const at = Date.now() - 71 * 3_600_000;
    await ctx.sql`insert into metric_filesystem_10s (server_no, instance_no, time, samples, used) select 1, 1, ${new Date(at)}::timestamptz + n * interval '10 seconds', 10, n from generate_series(1, 200) n`;
    const sum = async () =>
      (await ctx.sql`select sum(used)::int as sum, count(*)::int as n from metric_filesystem_10s where server_no = 1`)[0];
    const before = await sum();
    const [chunks] = await ctx.sql<{ n: number }[]>`select count(compress_chunk(c))::int as n from show_chunks('metric_filesystem_10s') c`;
    expect(chunks?.n).toBeGreaterThan(0);
    expect(await sum()).toEqual(before);
    await expect(
      ctx.sql`insert into metric_filesystem_10s (server_no, instance_no, time, samples, used) values (1, 1, ${new Date(at)}::timestamptz + interval '10 seconds', 10, 5)`,
    ).rejects.toMatchObject({ code: "23505" });
    await ctx.sql`insert into metric_filesystem_10s (server_no, instance_no, time, samples, used) values (1, 1, ${new Date(at + 5_000)}, 10, 1000)`;
    expect(await sum()).toEqual({ sum: 20_100 + 1000, n: 201 });
  });

  it("are refused with settings under which late rows would erase what was rolled up", async () => {
    for (const wrong of [{ tenSecondDays: 4 }, { minuteDays: 4 }, { hourDays: 5 }]) {
      await expect(
        prepareStorage({
          sql: ctx.sql,
          storageEngine: ctx.installation.storageEngine,
          retention: { ...retention, ...wrong },
          nowMs: Date.now(),
        }),
      ).rejects.toMatchObject({
        code: "precondition_failed",
        message: expect.stringContaining("DEVFLOW_RETENTION_") as string,
      });
    }
  });
});
