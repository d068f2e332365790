import { expect, it } from "vitest";
import { Choice, Counters } from "../counters.ts";
import { places, Table } from "../table.ts";
import { isPartition, parseDiskstats, wantedDevices, writeDisk } from "./disk.ts";

const DISK = places("disk", ["read", "write", "read_ops", "write_ops", "read_await", "write_await", "utilisation", "queue"]);

const parse = (text: string): Counters => {
  const into = new Counters(8);
  parseDiskstats(text, into, new Choice(wantedDevices));
  return into;
};

it("keeps whole disks that did I/O", () => {
  const text = `   7       0 loop0 55 0 2126 33 0 0 0 0 0 60 33 0 0 0 0 0 0
   7       1 loop1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
 254       0 vda 26339 14161 2948754 15858 4361 92502 3043152 12224 0 3640 28271 3267 65 61240 187 5 0
 254       1 vda1 26300 14161 2948000 15850 4361 92502 3043152 12224 0 3640 28271 0 0 0 0 0 0
 259       0 nvme0n1 10 0 80 5 0 0 0 0 0 5 5 0 0 0 0 0 0
 259       1 nvme0n1p1 9 0 72 5 0 0 0 0 0 5 5 0 0 0 0 0 0
 253       0 dm-0 7 0 56 1 2 0 16 1 0 2 2
   9     127 md127 7 0 56 1 2 0 16 1 0 2 2
  11       0 sr0 7 0 56 1 0 0 0 0 0 2 2
  43       0 nbd0 0 0 0 0 0 0 0 0 0 0 0
 202       1 xvdb1 4 0 56 1 2 0 16 1 0 2 2
 252       0 zram0 3 0 56 1 2 0 16 1 0 2 2
`;
  const read = parse(text);
  expect(read.names).toEqual(["vda", "nvme0n1", "dm-0", "md127", "xvdb1"]);
  expect(Array.from(read.values.slice(0, 8))).toEqual([26339, 2948754, 15858, 4361, 3043152, 12224, 3640, 28271]);
  expect(parse("").names).toEqual([]);
});

it("tells partitions by the disk beside them", () => {
  const names = new Set(["sda", "sda1", "mmcblk0", "mmcblk0p2", "dm-1", "md0", "xvda1"]);
  expect([...names].filter((name) => isPartition(name, names))).toEqual(["sda1", "mmcblk0p2"]);
});

const device = (...values: number[]): Counters => {
  const counters = new Counters(8);
  counters.values.set(values, counters.add("sda"));
  return counters;
};
const rates = (before: Counters, now: Counters, elapsedMs: number): Record<string, number> => {
  const table = new Table("disk");
  table.add("sda");
  writeDisk(before, 0, now, 0, elapsedMs, table, 0);
  return Object.fromEntries(
    Object.entries(DISK).map(([name, at]) => [name, (table.cells[at] as number) * (table.family.measures[at]?.step ?? NaN)]),
  );
};

it("turns counters into rates over the time that passed", () => {
  const seen = rates(device(10, 0, 100, 20, 0, 50, 0, 0), device(14, 2048, 120, 20, 4096, 50, 250, 500), 500);
  expect(seen).toMatchObject({ read_ops: 8, write_ops: 0, read_await: 5, write_await: NaN, utilisation: 50, queue: 1 });
  expect(seen["read"]).toBeCloseTo(2 * 2 ** 20, -2);
  expect(seen["write"]).toBeCloseTo(4 * 2 ** 20, -2);
});

it("goes on over a wrap of the 32-bit times and measures nothing across a reset", () => {
  const top = 2 ** 32 - 100;
  expect(rates(device(10, 0, top, 0, 0, 0, top, top), device(20, 0, 100, 0, 0, 0, 300, 900), 1000)).toMatchObject({
    read_await: 20,
    utilisation: 40,
    queue: 1,
  });
  const reset = rates(device(1e6, 1e9, 1e6, 1e6, 1e9, 1e6, 1e6, 1e6), device(3, 24, 1, 3, 24, 1, 1, 1), 1000);
  expect(Object.values(reset).every(Number.isNaN)).toBe(true);
  expect(Object.values(rates(device(0, 0, 0, 0, 0, 0, 0, 0), device(9, 9, 9, 9, 9, 9, 9, 9), NaN)).every(Number.isNaN)).toBe(true);
});
