import { randomUUID } from "node:crypto";
import { AppError } from "@devflow/errors";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type TestContext, testContext } from "../../testing/context.ts";
import { queryMetrics, type QueryMetrics } from "./query-metrics.ts";
import { sparklines } from "./sparklines.ts";
import { rollUp } from "./storage/roll-up.ts";

const serverId = randomUUID();
/** A whole hour; "now" is half an hour after it. */
const hourMs = Math.floor(Date.now() / 3_600_000) * 3_600_000 - 3_600_000;
const nowMs = hourMs + 30 * 60_000;
const iso = (ms: number) => new Date(ms).toISOString();

let ctx: TestContext;
beforeAll(async () => {
  ctx = await testContext({ clock: { now: () => nowMs } });
  // Two days of server 1 and 2: a saw tooth within each minute; server 1 misses one hour.
  for (const serverNo of [1, 2]) {
    await ctx.sql`
      insert into metric_host_10s (server_no, instance_no, time, samples, cpu_busy, cpu_busy_max, load_1, memory_used, memory_used_max, memory_total)
      select ${serverNo}, 0, t, 10, 1000 * ${serverNo} + 100 * i, 5000, 150, 512, 600, 2048
      from (select to_timestamp(${nowMs / 1000} - 10 * n) as t, (extract(epoch from to_timestamp(${nowMs / 1000} - 10 * n))::bigint % 60 / 10)::int as i from generate_series(1, 2 * 8640) n) s
      where ${serverNo} = 2 or t not between ${new Date(hourMs - 3 * 3_600_000)} and ${new Date(hourMs - 2 * 3_600_000 - 1)}`;
  }
  await ctx.sql`insert into metric_instances (server_no, family, instance_no, name) values (1, 4, 1, 'sda10'), (1, 4, 2, 'sda2'), (2, 4, 1, 'other')`;
  await ctx.sql`
    insert into metric_disk_10s (server_no, instance_no, time, samples, read, read_max, read_await, read_await_max)
    select 1, i, to_timestamp(${nowMs / 1000} - 10), 10, 10 * i, 20 * i, null, null from generate_series(1, 2) i`;
  await rollUp({ sql: ctx.sql, nowMs });
});
afterAll(() => ctx.close());

const query = (input: Partial<QueryMetrics>) =>
  queryMetrics({ ctx, input: { serverId, serverNo: 1, from: iso(nowMs - 3_600_000), to: iso(nowMs), metrics: "host.cpu_busy", ...input } });

describe("queryMetrics", () => {
  it("gives 10-second means and maxima of the last hour in natural units", async () => {
    const result = await query({ maxPoints: 2000, metrics: "host.cpu_busy,host.load_1,host.memory_used" });
    expect(result).toMatchObject({ serverId, tier: "10s", stepSeconds: 10 });
    expect(result.times).toHaveLength(360);
    const [cpu, load, memory] = result.series;
    expect(cpu).toMatchObject({ metric: "host.cpu_busy", instance: "", unit: "percent" });
    expect(cpu?.mean.slice(0, 7)).toEqual([10, 11, 12, 13, 14, 15, 10]);
    expect(cpu?.max?.[0]).toBe(50);
    expect(load).toMatchObject({ unit: "ratio", max: null });
    expect(load?.mean[0]).toBe(1.5);
    expect([memory?.mean[0], memory?.max?.[0]]).toEqual([512 * 1024, 600 * 1024]);
  });

  it("gives the same values from minutes and hours, up to the newest row", async () => {
    for (const hours of [24, 47.5]) {
      const result = await query({ from: iso(nowMs - hours * 3_600_000), serverNo: 2 });
      expect(result.tier).toBe("1m");
      const mean = result.series[0]?.mean.slice(1) ?? [];
      expect(mean.length).toBeGreaterThan(200);
      expect(new Set(mean), `${hours} h`).toEqual(new Set([22.5]));
    }
    const hourly = await query({ from: iso(nowMs - 6 * 86_400_000), serverNo: 2 });
    expect(hourly.tier).toBe("1h");
    expect(new Set(hourly.series[0]?.mean)).toEqual(new Set([null, 22.5]));
    expect(hourly.series[0]?.mean.at(-1)).toBe(22.5);
  });

  it("keeps gaps as null", async () => {
    const { times, series } = await query({ from: iso(nowMs - 6 * 3_600_000) });
    const gap = times
      .map((t, i) => ({ t: t * 1000, value: series[0]?.mean[i] }))
      .filter(({ t }) => t >= hourMs - 3 * 3_600_000 && t < hourMs - 2 * 3_600_000);
    expect(gap.length).toBeGreaterThan(20);
    expect(gap.every(({ value }) => value === null)).toBe(true);
  });

  it("names instances of that server alone, in natural order", async () => {
    const { series } = await query({ metrics: "disk.read,disk.read_await" });
    expect(series.map((s) => `${s.instance} ${s.metric} ${s.mean.findLast((v) => v !== null) ?? "-"}`)).toEqual([
      "sda2 disk.read 2048",
      "sda2 disk.read_await -",
      "sda10 disk.read 1024",
      "sda10 disk.read_await -",
    ]);
  });

  it("answers for a server without rows and for ranges of years", async () => {
    expect((await query({ serverNo: 99 })).series).toEqual([]);
    const years = await query({ from: "1990-01-01T00:00:00Z", to: "2190-01-01T00:00:00Z", maxPoints: 2000 });
    expect(years.times.length).toBeLessThanOrEqual(2000);
    expect((await query({ from: "0001-01-01T00:00:00Z", to: "9999-12-31T23:59:59Z", maxPoints: 1 })).times).toHaveLength(1);
  });

  it.each([
    [{ metrics: "host.nothing" }, /"host\.nothing" is not a metric.*cpu_busy, cpu_user/],
    [{ metrics: "moon.phase" }, /families are host, cpu_core/],
    [{ metrics: "host.cpu_busy,," }, /"" is not a metric/],
    [{ metrics: 'host.cpu_busy"; drop table servers; --' }, /is not a metric/],
    [{ from: iso(nowMs), to: iso(nowMs - 1000) }, /must be before/],
    [{ from: iso(nowMs), to: iso(nowMs) }, /must be before/],
    [{ from: "yesterday" }, /from must be a time/],
  ])("refuses %j", async (input, message) => {
    const error = await query(input).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(AppError);
    expect(error).toMatchObject({ code: "invalid", message: expect.stringMatching(message) as string });
  });
});

describe("sparklines", () => {
  it("gives 30 minutes of CPU and memory of each server that has values", async () => {
    const lines = await sparklines({ ctx, input: { serverNos: [1, 2, 99] } });
    expect([...lines.keys()].toSorted((a, b) => a - b)).toEqual([1, 2]);
    const line = lines.get(2);
    expect([line?.cpu.length, line?.memory.length]).toEqual([30, 30]);
    // The current minute has no rows yet.
    expect(line?.cpu.slice(0, 29)).toEqual(Array.from({ length: 29 }, () => 22.5));
    expect(line?.memory[0]).toBe(25);
  });
});
