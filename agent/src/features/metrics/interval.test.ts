import { columnsOf, familyById, readCells } from "@devflow/catalogue";
import type { FamilyRows } from "@devflow/proto/metrics/v1/metrics";
import { expect, it } from "vitest";
import { Interval } from "./interval.ts";
import { Sample } from "./probe.ts";
import { Seconds } from "./second.ts";
import { MAX_INSTANCES, places } from "./table.ts";

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

/** Natural values by instance and column, NaN for "not measured". */
const read = (rows: FamilyRows | undefined): Record<string, Record<string, number>> => {
  const family = rows && familyById(rows.family);
  if (!rows || !family) throw new Error("no rows");
  const columns = columnsOf(family);
  const out = new Float64Array(columns.length * rows.instances.length);
  expect(readCells(rows.cells, out)).toBe(out.length);
  expect(rows.columns).toBe(columns.length);
  return Object.fromEntries(
    rows.instances.map((name, row) => [
      name,
      Object.fromEntries(columns.map((c, i) => [c.name, (out[row * columns.length + i] as number) * c.measure.step])),
    ]),
  );
};

it("keeps mean and maximum of the second values and begins anew", () => {
  const interval = new Interval();
  for (let s = 0; s < 10; s++) interval.add(sampleOf(s));
  const { samples, families } = interval.take();
  expect(samples).toBe(10);
  expect(read(families[0])[""]).toMatchObject({ cpu_busy: 4.5, cpu_busy_max: 9, load_1: 0.05 });
  expect(interval.take()).toEqual({ samples: 0, families: [] });
  interval.add(sampleOf(2));
  expect(read(interval.take().families[0])[""]).toMatchObject({ cpu_busy: 2, cpu_busy_max: 2 });
});

it("leaves out of the mean what was not measured, and follows instances that come and go", () => {
  const interval = new Interval();
  interval.add(sampleOf(Number.NaN, { a: 1 }));
  interval.add(sampleOf(30, { b: 5, a: 3 }));
  interval.add(sampleOf(50, { b: 7 }));
  const { families } = interval.take();
  expect(read(families[0])[""]).toMatchObject({ cpu_busy: 40, cpu_busy_max: 50 });
  const disks = read(families.find((f) => f.family === 4));
  expect(disks["a"]).toMatchObject({ read_ops: 2, read_ops_max: 3, read: Number.NaN });
  expect(disks["b"]).toMatchObject({ read_ops: 6, read_ops_max: 7 });
});

it("sends no more rows than the wire takes, however many devices came and went", () => {
  const interval = new Interval();
  for (let s = 0; s < 3; s++) interval.add(sampleOf(1, Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`d${s}-${i}`, i]))));
  expect(interval.take().families.find((f) => f.family === 4)?.instances).toHaveLength(MAX_INSTANCES);
});

it("sends a second as mean and maximum at once, without empty families", () => {
  const frame = new Seconds().take(sampleOf(12.34, { sda: 3 })).encode();
  expect(frame.map((f) => f.family)).toEqual([1, 4]);
  expect(read(frame[0])[""]).toMatchObject({ cpu_busy: 12.34, cpu_busy_max: 12.34 });
});

it("keeps a second as it was while the sample is filled anew, and follows devices that come and go", () => {
  const seconds = new Seconds();
  const sample = sampleOf(10, { sda: 3 });
  const first = seconds.take(sample);
  sample.clear();
  sample.host.set(0, HOST.cpu_busy, 20);
  for (const [name, ops] of Object.entries({ sdb: 4, sdc: 5 })) sample.disk.set(sample.disk.add(name), DISK.read_ops, ops);
  const second = seconds.take(sample);
  expect(read(first.encode()[0])[""]).toMatchObject({ cpu_busy: 10 });
  expect(Object.keys(read(first.encode()[1]))).toEqual(["sda"]);
  expect(read(second.encode()[0])[""]).toMatchObject({ cpu_busy: 20, load_1: Number.NaN });
  expect(read(second.encode()[1])).toMatchObject({ sdb: { read_ops: 4 }, sdc: { read_ops: 5 } });
});
