import { columnsOf, familyById, readCells } from "@devflow/catalogue";
import type { FamilyRows } from "@devflow/proto/metrics/v1/metrics";
import { expect, it } from "vitest";
import { encodeSample } from "./encode.ts";
import { Sample } from "./probe.ts";
import { type MetricsBatch, Summary } from "./summary.ts";
import { places } from "./table.ts";

const HOST = places("host", ["cpu_busy", "load_1"]);
const DISK = places("disk", ["read_ops"]);

const sampleOf = (busy: number, disks: Record<string, number> = {}): Sample => {
  const sample = new Sample();
  sample.clear();
  sample.host.set(0, HOST.cpu_busy, busy);
  sample.host.set(0, HOST.load_1, busy / 100);
  for (const [name, ops] of Object.entries(disks)) sample.disk.set(sample.disk.add(name), DISK.read_ops, ops);
  return sample;
};

const read = (rows: FamilyRows | undefined): Record<string, Record<string, number>> => {
  const family = rows && familyById(rows.family);
  if (!rows || !family) throw new Error("no rows");
  const columns = columnsOf(family);
  const names = rows.instances;
  const out = new Float64Array(columns.length * names.length);
  expect(readCells(rows.cells, out)).toBe(out.length);
  expect(rows.columns).toBe(columns.length);
  return Object.fromEntries(
    names.map((name, row) => [
      name,
      Object.fromEntries(columns.map((c, i) => [c.name, (out[row * columns.length + i] as number) * c.measure.step])),
    ]),
  );
};

const T0 = 1_800_000_000_000;

/** Feeds one sample a second of real time; `offsetMs` shifts the settled clock in each second. */
const feed = (seconds: number, offsetMs: (second: number) => number = () => 0): MetricsBatch[] => {
  const summary = new Summary();
  const batches: MetricsBatch[] = [];
  for (let s = 0; s < seconds; s++) {
    const batch = summary.add(sampleOf(s % 10), T0 + s * 1000 + 300 + offsetMs(s), 5000 + s * 1000);
    if (batch) batches.push(batch);
  }
  const last = summary.take();
  return last ? [...batches, last] : batches;
};

it("keeps mean and maximum of ten second values on multiples of ten seconds", () => {
  const [first, second, ...rest] = feed(20);
  expect([first, second].map((b) => [b?.timeS, b?.samples, b?.monotonicMs])).toEqual([
    [T0 / 1000, 10, 14_000],
    [T0 / 1000 + 10, 10, 24_000],
  ]);
  expect(rest).toEqual([]);
  expect(read(first?.families[0])[""]).toMatchObject({ cpu_busy: 4.5, cpu_busy_max: 9, load_1: 0.05 });
});

it("leaves out of the mean what was not measured, and follows instances that come and go", () => {
  const summary = new Summary();
  summary.add(sampleOf(NaN, { a: 1 }), T0, 0);
  summary.add(sampleOf(30, { b: 5, a: 3 }), T0 + 1000, 1000);
  summary.add(sampleOf(50, { b: 7 }), T0 + 2000, 2000);
  const batch = summary.take();
  expect(read(batch?.families[0])[""]).toMatchObject({ cpu_busy: 40, cpu_busy_max: 50 });
  const disks = read(batch?.families.find((f) => f.family === 4));
  expect(disks["a"]).toMatchObject({ read_ops: 2, read_ops_max: 3, read: NaN });
  expect(disks["b"]).toMatchObject({ read_ops: 6, read_ops_max: 7 });
});

it("makes no double and no hole when the clock falls back a little", () => {
  const batches = feed(60, (s) => (s < 25 ? 0 : -12_000));
  const times = batches.map((b) => b.timeS - T0 / 1000);
  expect(times).toEqual([0, 10, 20, 30, 40]);
  expect(batches.every((b) => b.samples >= 1 && b.samples <= 10)).toBe(true);
});

it("goes on at once when the clock jumps ahead or far back", () => {
  const ahead = feed(40, (s) => (s < 15 ? 0 : 7_200_000)).map((b) => b.timeS - T0 / 1000);
  expect(ahead).toEqual([0, 10, 7210, 7220, 7230]);
  const back = feed(40, (s) => (s < 15 ? 0 : -7_200_000)).map((b) => b.timeS - T0 / 1000);
  expect(back).toEqual([0, 10, -7190, -7180, -7170]);
});

it("never repeats an interval that was handed out before its end", () => {
  const summary = new Summary();
  summary.add(sampleOf(1), T0, 0);
  expect(summary.take()?.timeS).toBe(T0 / 1000);
  expect(summary.add(sampleOf(1), T0 + 2000, 2000)).toBeNull();
  expect(summary.take()).toBeNull();
  summary.add(sampleOf(1), T0 + 10_000, 10_000);
  expect(summary.take()?.timeS).toBe(T0 / 1000 + 10);
});

it("sends a second as mean and maximum at once, without empty families", () => {
  const frame = encodeSample(sampleOf(12.34, { sda: 3 }));
  expect(frame.map((f) => f.family)).toEqual([1, 4]);
  expect(read(frame[0])[""]).toMatchObject({ cpu_busy: 12.34, cpu_busy_max: 12.34 });
});
