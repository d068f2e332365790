import { columnsOf, familyByName, type Family } from "@devflow/catalogue";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type TestContext, testContext } from "../../../testing/context.ts";
import { noteRows } from "./roll-up-state.ts";
import { rollUp, rollUpLock } from "./roll-up.ts";

const host = familyByName("host") as Family;
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
/** A whole hour of some hours ago, so that late rows are within what may come. */
const hour = Math.floor(Date.now() / hourMs) * hourMs - 5 * hourMs;

let ctx: TestContext;
beforeAll(async () => {
  ctx = await testContext();
});
afterAll(() => ctx.close());
let serverNo = 100;
beforeEach(() => void serverNo++);

/** Writes rows of one server as a gateway does: rows and note in one transaction. */
async function write(rows: { timeMs: number; busy: number | null; busyMax: number | null }[]): Promise<void> {
  await ctx.sql.begin(async (tx) => {
    for (const row of rows) {
      await tx`insert into metric_host_10s (server_no, instance_no, time, samples, cpu_busy, cpu_busy_max) values (${serverNo}, 0, ${new Date(row.timeMs)}, 10, ${row.busy}, ${row.busyMax})`;
    }
    await noteRows(
      tx,
      rows.map(() => serverNo),
      rows.map((row) => row.timeMs / 1000),
    );
  });
}

/** Resolves once somebody in this database waits for a lock of that kind. */
async function waiting(kind: string): Promise<void> {
  const some = () =>
    ctx.sql`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and wait_event = ${kind}`;
  while ((await some()).length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
}

const rolled = async (tier: "1m" | "1h") => [
  ...(await ctx.sql.unsafe(
    `select extract(epoch from time)::float8 * 1000 as time, samples, cpu_busy_sum as sum, cpu_busy_count as count, cpu_busy_min as min, cpu_busy_max as max from metric_host_${tier} where server_no = ${serverNo} order by time`,
  )),
];

describe("roll-up", () => {
  it("makes minutes and hours with sum, count, minimum of means and maximum of maxima", async () => {
    await write([
      { timeMs: hour, busy: 100, busyMax: 900 },
      { timeMs: hour + 10_000, busy: 300, busyMax: 400 },
      { timeMs: hour + 20_000, busy: null, busyMax: null },
      { timeMs: hour + 30 * minuteMs, busy: 50, busyMax: 60 },
    ]);
    await rollUp({ sql: ctx.sql, nowMs: hour + 3 * hourMs });
    expect(await rolled("1m")).toEqual([
      { time: hour, samples: 30, sum: 400, count: 2, min: 100, max: 900 },
      { time: hour + 30 * minuteMs, samples: 10, sum: 50, count: 1, min: 50, max: 60 },
    ]);
    expect(await rolled("1h")).toEqual([{ time: hour, samples: 40, sum: 450, count: 3, min: 50, max: 900 }]);
  });

  it("leaves the newest minute alone and takes it later", async () => {
    const now = hour + 3 * hourMs + 5 * minuteMs;
    await rollUp({ sql: ctx.sql, nowMs: now });
    await write([{ timeMs: now - 10_000, busy: 1, busyMax: 1 }]);
    await rollUp({ sql: ctx.sql, nowMs: now });
    expect(await rolled("1m")).toEqual([]);
    await rollUp({ sql: ctx.sql, nowMs: now + 3 * minuteMs });
    expect(await rolled("1m")).toMatchObject([{ sum: 1, count: 1 }]);
  });

  it("makes a server's minute and hour again for rows that come hours late, once each", async () => {
    await rollUp({ sql: ctx.sql, nowMs: hour + 4 * hourMs });
    await write([{ timeMs: hour, busy: 10, busyMax: 10 }]);
    await write([
      { timeMs: hour + 10_000, busy: 30, busyMax: 70 },
      { timeMs: hour + hourMs, busy: 5, busyMax: 5 },
    ]);
    expect((await rollUp({ sql: ctx.sql, nowMs: hour + 4 * hourMs })).lateHours).toBe(2);
    expect(await rolled("1m")).toMatchObject([
      { time: hour, sum: 40, count: 2, min: 10, max: 70 },
      { time: hour + hourMs, sum: 5 },
    ]);
    expect(await rolled("1h")).toMatchObject([
      { time: hour, sum: 40, count: 2 },
      { time: hour + hourMs, sum: 5, count: 1 },
    ]);
    expect((await rollUp({ sql: ctx.sql, nowMs: hour + 4 * hourMs })).lateHours).toBe(0);
  });

  it("does not lose a row whose transaction is open while the mark moves past it", async () => {
    const now = hour + 4 * hourMs + 20 * minuteMs;
    const rowMs = now - 3 * minuteMs;
    let rolling: Promise<unknown> | undefined;
    await ctx.sql.begin(async (tx) => {
      await tx`insert into metric_host_10s (server_no, instance_no, time, samples, cpu_busy, cpu_busy_max) values (${serverNo}, 0, ${new Date(rowMs)}, 10, 7, 7)`;
      await noteRows(tx, [serverNo], [rowMs / 1000]);
      rolling = rollUp({ sql: ctx.sql, nowMs: now });
      await new Promise((resolve) => setTimeout(resolve, 300));
    });
    await rolling;
    await rollUp({ sql: ctx.sql, nowMs: now });
    expect(await rolled("1m")).toMatchObject([{ sum: 7, count: 1 }]);
  });

  it("takes notes in the order in which writers make them, so that neither waits for the other for ever", async () => {
    const [low, high] = [serverNo++, serverNo];
    const [early, late] = [hour - hourMs, hour].map((ms) => ms / 1000) as [number, number];
    await rollUp({ sql: ctx.sql, nowMs: hour + 4 * hourMs });
    await ctx.sql.begin((tx) => noteRows(tx, [high], [early]));
    await ctx.sql.begin((tx) => noteRows(tx, [low], [late]));
    let rolling: Promise<unknown> = Promise.resolve();
    const writer = await ctx.sql.reserve();
    await ctx.sql.begin(async (gate) => {
      await gate.unsafe(`select pg_advisory_xact_lock(${rollUpLock})`);
      rolling = rollUp({ sql: ctx.sql, nowMs: hour + 4 * hourMs });
      await waiting("advisory");
      await writer`begin`;
      await noteRows(writer, [low], [late]);
    });
    await waiting("transactionid");
    await noteRows(writer, [high], [early]);
    await writer`commit`;
    writer.release();
    await rolling;
    expect(await ctx.sql`select from metric_late`).toHaveLength(0);
  });

  it("shows the same rows in the views before and after they are rolled up", async () => {
    const at = hour + 4 * hourMs + 40 * minuteMs;
    await write([
      { timeMs: at, busy: 1000, busyMax: 2500 },
      { timeMs: at + 10_000, busy: 3000, busyMax: 3100 },
    ]);
    const seen = async () => {
      const [minute] =
        await ctx.sql`select samples, cpu_busy, cpu_busy_min, cpu_busy_max, uptime from metrics_host_1m where server_no = ${serverNo} and time = ${new Date(at)}`;
      return minute;
    };
    expect(await seen()).toEqual({ samples: 20, cpu_busy: 20, cpu_busy_min: 10, cpu_busy_max: 31, uptime: null });
    await rollUp({ sql: ctx.sql, nowMs: at + hourMs });
    expect(await rolled("1m")).toHaveLength(1);
    expect(await seen()).toEqual({ samples: 20, cpu_busy: 20, cpu_busy_min: 10, cpu_busy_max: 31, uptime: null });
  });

  it("has the catalogue's columns in wire order", async () => {
    const columns = await ctx.sql<
      { name: string }[]
    >`select column_name as name from information_schema.columns where table_name = 'metric_host_10s' order by ordinal_position`;
    expect(columns.map((c) => c.name)).toEqual(["server_no", "instance_no", "time", "samples", ...columnsOf(host).map((c) => c.name)]);
  });
});
