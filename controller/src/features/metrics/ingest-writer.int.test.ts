import { RejectionReason } from "@devflow/proto/metrics/v1/metrics";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type TestContext, testContext } from "../../testing/context.ts";
import { metrics } from "./index.ts";
import { batchOf, familyRows } from "./ingest.testkit.ts";
import { createIngestWriter } from "./ingest-writer.ts";
import type { BatchSource } from "./open-flush.ts";

let ctx: TestContext;
beforeAll(async () => {
  ctx = await testContext();
  await metrics.start?.(ctx);
});
afterAll(() => ctx.close());

/** Collects outcomes. */
const sourceOf = () => {
  const committed: number[] = [];
  const rejected: [number, RejectionReason, string][] = [];
  const source: BatchSource = {
    committed: (sequence) => void committed.push(sequence),
    rejected: (...why) => void rejected.push(why),
    flushed: () => undefined,
  };
  return { committed, rejected, source };
};
const writerOf = (extra: Partial<Parameters<typeof createIngestWriter>[0]> = {}) =>
  createIngestWriter({ sql: ctx.sql, log: ctx.log, now: Date.now, ...extra });
const thisInterval = (): number => Math.floor(Date.now() / 10_000) * 10;
let serverNo = 1000;

describe("the writer", () => {
  it("stores every family's values as sent, and gives instances numbers from 1", async () => {
    const writer = writerOf();
    const { source, committed } = sourceOf();
    const [server, time] = [serverNo++, thisInterval()];
    const rows = [
      familyRows("host", { "": { cpu_busy: 10_000, cpu_busy_max: 10_050, load_1: 0, memory_total: 2 ** 41, uptime: 2 ** 51 } }),
      familyRows("filesystem", {
        "/": { total: 100, used: 25, available: 75 },
        "/data 'ä'": { total: 2 ** 40, used: 2 ** 39, available: 1 },
      }),
      familyRows("network", { eth0: { receive: 2 ** 31 - 1, transmit: 5 }, lo: { receive: 7, transmit: 7 } }, 3),
    ];
    writer.add(source, server, batchOf(1, time, rows));
    await writer.drain();
    expect(committed).toEqual([1]);
    const [host] = await ctx.sql`select * from metric_host_10s where server_no = ${server}`;
    expect(host).toMatchObject({
      instance_no: 0,
      samples: 10,
      time: new Date(time * 1000),
      cpu_busy: 10_000,
      cpu_busy_max: 10_050,
      load_1: 0,
      memory_total: 2 ** 41,
      uptime: 2 ** 51,
      cpu_user: null,
    });
    const disks =
      await ctx.sql`select name, total, used from metric_filesystem_10s join metric_instances using (server_no, instance_no) where server_no = ${server} and family = 3 order by 1`;
    expect([...disks]).toEqual([
      { name: "/", total: 100, used: 25 },
      { name: "/data 'ä'", total: 2 ** 40, used: 2 ** 39 },
    ]);
    const net =
      await ctx.sql`select instance_no, receive, receive_max, transmit, transmit_max from metric_network_10s where server_no = ${server} order by 1`;
    expect([...net]).toEqual([
      { instance_no: 1, receive: 2 ** 31 - 1, receive_max: null, transmit: 5, transmit_max: null },
      { instance_no: 2, receive: 7, receive_max: null, transmit: 7, transmit_max: null },
    ]);
    const [latest] = await ctx.sql`select * from server_latest where server_no = ${server}`;
    expect(latest).toMatchObject({
      time: new Date(time * 1000),
      cpu_percent: 100,
      load_1: 0,
      memory_used_bytes: null,
      memory_total_bytes: 2 ** 51,
      disk_used_percent: 100,
      disk_mount: "/data 'ä'",
      receive_bytes_per_second: Math.round((2 ** 31 - 1) * 102.4),
      transmit_bytes_per_second: 512,
    });
  });

  it("rejects what breaks a bound, each batch for itself, and stores the others", async () => {
    const reasons: RejectionReason[] = [];
    const writer = writerOf({ onRejected: (_, reason) => reasons.push(reason) });
    const { source, committed, rejected } = sourceOf();
    const [server, now] = [serverNo++, thisInterval()];
    const host = (values: Record<string, number>) => [familyRows("host", { "": values })];
    const broken = familyRows("host", { "": { cpu_busy: 1 } });
    broken.cells = broken.cells.subarray(0, 3);
    const tooLong = familyRows("host", { "": { cpu_busy: 1 } });
    tooLong.cells = Uint8Array.of(...tooLong.cells, 1);
    const overlong = familyRows("host", { "": { cpu_busy: 1 } });
    overlong.cells = new Uint8Array(60).fill(0xff);
    const unknown = familyRows("host", { "": {} });
    unknown.family = 99;
    const tooMany = familyRows("disk", Object.fromEntries(Array.from({ length: 129 }, (_, i) => [`d${i}`, { read: 1 }])));
    const batches = [
      batchOf(1, now),
      batchOf(2, now + 7200),
      batchOf(3, now - 80 * 3600),
      batchOf(4, now - 7200),
      batchOf(5, now - 3),
      { ...batchOf(6, now - 10), samples: 11 },
      batchOf(7, now - 20, host({ cpu_busy: -1 })),
      batchOf(8, now - 30, host({ cpu_busy: 12_001 })),
      batchOf(9, now - 40, host({ processes: 2 ** 31 })),
      batchOf(10, now - 50, [broken]),
      batchOf(11, now - 60, [tooLong]),
      batchOf(12, now - 70, [overlong]),
      batchOf(13, now - 80, [unknown]),
      batchOf(14, now - 90, [tooMany]),
      batchOf(15, now - 100, [familyRows("host", { "": {} }), familyRows("host", { "": {} })]),
      batchOf(16, now - 110, [{ ...familyRows("disk", { sda: {}, sdb: {} }), instances: ["sda", "sda"] }]),
      batchOf(17, now - 120, [familyRows("disk", { "a\nb": { read: 1 } })]),
      batchOf(18, now - 130, [familyRows("disk", { ["x".repeat(256)]: { read: 1 } })]),
      batchOf(19, now - 140, [{ ...familyRows("host", { "": {} }), columns: 500 }]),
      batchOf(20, now - 150, [familyRows("host", { named: {} })]),
      batchOf(21, now - 160, [familyRows("filesystem", { "/": { total: 1 } }), familyRows("disk", { sda: { read: -5 } })]),
      batchOf(22, now - 170),
    ];
    for (const batch of batches) writer.add(source, server, batch);
    await writer.drain();
    expect(committed.toSorted((a, b) => a - b)).toEqual([1, 4, 22]);
    const { TOO_OLD, IN_FUTURE, MALFORMED, OUT_OF_RANGE, TOO_MANY_INSTANCES } = RejectionReason;
    expect(Object.fromEntries(rejected.map(([sequence, reason]) => [sequence, reason]))).toEqual({
      2: IN_FUTURE,
      3: TOO_OLD,
      5: MALFORMED,
      6: MALFORMED,
      7: OUT_OF_RANGE,
      8: OUT_OF_RANGE,
      9: OUT_OF_RANGE,
      10: MALFORMED,
      11: MALFORMED,
      12: MALFORMED,
      13: MALFORMED,
      14: TOO_MANY_INSTANCES,
      15: MALFORMED,
      16: MALFORMED,
      17: MALFORMED,
      18: MALFORMED,
      19: MALFORMED,
      20: MALFORMED,
      21: OUT_OF_RANGE,
    });
    expect(rejected.find(([sequence]) => sequence === 2)?.[2]).toBe(
      "expected rows at most 60 s ahead of the controller's clock, got 2.0 h ahead",
    );
    expect(reasons).toHaveLength(19);
    expect(await ctx.sql`select count(*)::int as n from metric_host_10s where server_no = ${server}`).toEqual([{ n: 3 }]);
    expect(
      await ctx.sql`select count(*)::int as n from metric_filesystem_10s where server_no = ${server}`,
      "no half of a rejected batch",
    ).toEqual([{ n: 0 }]);
  });

  it("takes repeated rows once, beside new ones, and keeps what was stored first", async () => {
    const results: string[] = [];
    const writer = writerOf({ onCommitted: (_, result) => results.push(result) });
    const { source, committed } = sourceOf();
    const [server, now] = [serverNo++, thisInterval()];
    writer.add(source, server, batchOf(1, now - 10));
    await writer.drain();
    writer.add(source, server, batchOf(1, now - 10, [familyRows("host", { "": { cpu_busy: 1 } })]));
    writer.add(source, server, batchOf(2, now));
    writer.add(source, server, batchOf(7, now));
    await writer.drain();
    writer.add(source, server, batchOf(8, now - 30));
    await writer.drain();
    expect(committed).toEqual([1, 1, 2, 7, 8]);
    expect(results).toEqual(["copied", "replayed", "copied"]);
    expect([...(await ctx.sql`select cpu_busy from metric_host_10s where server_no = ${server} order by time`)]).toEqual([
      { cpu_busy: 1234 },
      { cpu_busy: 1234 },
      { cpu_busy: 1234 },
    ]);
  });

  it("keeps the newest values when older ones come later", async () => {
    const writer = writerOf();
    const { source } = sourceOf();
    const [server, now] = [serverNo++, thisInterval()];
    writer.add(source, server, batchOf(1, now, [familyRows("host", { "": { cpu_busy: 5000 } })]));
    writer.add(source, server, batchOf(2, now - 10, [familyRows("host", { "": { cpu_busy: 100 } })]));
    await writer.drain();
    writer.add(source, server, batchOf(3, now - 20, [familyRows("host", { "": { cpu_busy: 200 } })]));
    await writer.drain();
    expect(await ctx.sql`select cpu_percent, time from server_latest where server_no = ${server}`).toEqual([
      { cpu_percent: 50, time: new Date(now * 1000) },
    ]);
  });

  it("bounds the names of a server over time, whatever the batches", async () => {
    const writer = writerOf();
    const { source, committed, rejected } = sourceOf();
    const [server, now] = [serverNo++, thisInterval()];
    for (let i = 0; i < 12; i++) {
      const rows = familyRows("disk", Object.fromEntries(Array.from({ length: 100 }, (_, j) => [`d${i}-${j}`, { read: 1 }])));
      writer.add(source, server, batchOf(i + 1, now - i * 10, [rows]));
    }
    await writer.drain();
    expect(committed).toHaveLength(10);
    expect(rejected.map(([, reason]) => reason)).toEqual([RejectionReason.TOO_MANY_INSTANCES, RejectionReason.TOO_MANY_INSTANCES]);
    expect(await ctx.sql`select count(*)::int as n, max(instance_no) as max from metric_instances where server_no = ${server}`).toEqual([
      { n: 1000, max: 1000 },
    ]);
  });

  it("agrees on instance numbers with another gateway that names the same things at the same time", async () => {
    const [a, b] = [writerOf(), writerOf()];
    const [server, now] = [serverNo++, thisInterval()];
    const outcomes = sourceOf();
    for (let i = 0; i < 20; i++) {
      const disks = (order: number[]) => familyRows("disk", Object.fromEntries(order.map((j) => [`d${j}`, { read: j }])));
      a.add(
        outcomes.source,
        server,
        batchOf(i * 2 + 1, now - i * 10, [disks([0, i, i + 1].filter((x, at, all) => all.indexOf(x) === at))]),
      );
      b.add(outcomes.source, server, batchOf(i * 2 + 2, now - i * 10 - 600, [disks([i + 2, i, 40 + i])]));
    }
    await Promise.all([a.drain(), b.drain()]);
    expect(outcomes.committed).toHaveLength(40);
    const wrong =
      await ctx.sql`select name, read from metric_disk_10s join metric_instances using (server_no, instance_no) where server_no = ${server} and family = 4 and name <> 'd' || read`;
    expect([...wrong]).toEqual([]);
  });

  it("loses nothing while the database is away, says so, and goes on", async () => {
    const writer = writerOf();
    const { source, committed } = sourceOf();
    const [server, now] = [serverNo++, thisInterval()];
    const [{ name }] = (await ctx.sql`select current_database() as name`) as unknown as [{ name: string }];
    await ctx.sql`alter table metric_host_10s rename to metric_host_away`;
    const kill = setInterval(
      () =>
        void ctx.sql`select pg_terminate_backend(pid) from pg_stat_activity where datname = ${name} and pid <> pg_backend_pid()`.catch(
          () => undefined,
        ),
      50,
    );
    for (let i = 0; i < 30; i++) writer.add(source, server, batchOf(i + 1, now - i * 10));
    await expect.poll(() => writer.health().database).toBe("unavailable");
    for (let i = 30; i < 60; i++) writer.add(source, server, batchOf(i + 1, now - i * 10));
    expect(committed).toEqual([]);
    clearInterval(kill);
    // Any connection of the pool may be one of those that were ended.
    await vi.waitFor(() => ctx.sql`alter table if exists metric_host_away rename to metric_host_10s`, { timeout: 60_000 });
    await writer.drain();
    expect(writer.health().database).toBe("ok");
    expect(committed).toHaveLength(60);
    expect(await ctx.sql`select count(*)::int as n from metric_host_10s where server_no = ${server}`).toEqual([{ n: 60 }]);
    expect(writer.pendingRows).toBe(0);
  });

  it("finds the one batch that the database refuses and stores the rest", async () => {
    const writer = writerOf();
    const { source, committed, rejected } = sourceOf();
    const [server, now] = [serverNo++, thisInterval()];
    await ctx.sql.unsafe(
      `create or replace function refuse() returns trigger language plpgsql as $$ begin if new.read = 666 then raise exception using errcode = '22003'; end if; return new; end $$`,
    );
    await ctx.sql`create trigger refuse before insert on metric_disk_10s for each row execute function refuse()`;
    for (let i = 0; i < 50; i++)
      writer.add(
        source,
        server,
        batchOf(i + 1, now - i * 10, [
          familyRows("disk", { sda: { read: i === 33 ? 666 : 1 } }),
          familyRows("host", { "": { cpu_busy: i + 1 } }),
        ]),
      );
    await writer.drain();
    await ctx.sql`drop trigger refuse on metric_disk_10s`;
    expect(rejected).toEqual([[34, RejectionReason.MALFORMED, "the database refuses these rows"]]);
    expect(committed).toHaveLength(49);
    expect(writer.pendingRows).toBe(0);
    const [latest] = await ctx.sql`select time, cpu_percent::text::float8 as cpu from server_latest where server_no = ${server}`;
    expect(latest).toEqual({ time: new Date(now * 1000), cpu: 0.01 });
  });

  it("asks sources to pause above its bound and calls them back below", async () => {
    const writer = writerOf({ maxPendingRows: 10 });
    const { source } = sourceOf();
    const [server, now] = [serverNo++, thisInterval()];
    for (let i = 0; i < 10; i++) writer.add(source, server, batchOf(i + 1, now - i * 10));
    expect(writer.full).toBe(true);
    await new Promise<void>((resolve) => writer.whenReady(resolve));
    expect(writer.full).toBe(false);
    await writer.drain();
  });
});
