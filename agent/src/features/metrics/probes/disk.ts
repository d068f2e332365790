import { TextFile } from "../../../host/text-file.ts";
import { Choice, Counters, growth } from "../counters.ts";
import type { Probe, Sample, Tick } from "../probe.ts";
import { places, type Table } from "../table.ts";

const DISK = places("disk", ["read", "write", "read_ops", "write_ops", "read_await", "write_await", "utilisation", "queue"]);

/** Columns kept of a line: reads, sectors read, ms reading, writes, sectors written, ms writing, ms busy, weighted ms. */
const COLUMNS = [3, 5, 6, 7, 9, 10, 12, 13] as const;
const SECTOR_BYTES = 512;

/** The times are 32-bit milliseconds even on 64-bit kernels; a second adds at most its length times the queue. */
const MS_WRAP = 2 ** 24;

const VIRTUAL = /^(?:loop|ram|zram|sr|fd)\d/;

/** Whether a name is a partition of another listed device: sda1 of sda, nvme0n1p2 of nvme0n1. */
export function isPartition(name: string, names: ReadonlySet<string>): boolean {
  const digits = /\d+$/.exec(name);
  if (!digits) return false;
  const stem = name.slice(0, digits.index);
  return names.has(stem) || (/\dp$/.test(stem) && names.has(stem.slice(0, -1)));
}

/**
 * Picks the devices worth a row: no loop, RAM, floppy or optical drives and no partitions, since their whole disk is
 * there. Devices that never did any I/O are left out as well (`used`), until they do.
 */
export function wantedDevices(names: readonly string[]): Set<string> {
  const all = new Set(names);
  return new Set(names.filter((name) => !VIRTUAL.test(name) && !isPartition(name, all)));
}

/** Parses /proc/diskstats (Documentation/admin-guide/iostats.rst). `wanted` chooses devices from the names seen. */
export function parseDiskstats(text: string, into: Counters, wanted: Choice): void {
  into.clear();
  const lines: string[][] = [];
  const names: string[] = [];
  for (const line of text.split("\n")) {
    if (line.endsWith(" 0 0 0 0 0 0 0 0 0 0 0") || line === "") continue;
    const parts = line.trimStart().split(/ +/);
    if (parts.length < 14 || (parts[3] === "0" && parts[7] === "0")) continue;
    lines.push(parts);
    names.push(parts[2] as string);
  }
  const chosen = wanted.of(names);
  for (const parts of lines) {
    const name = parts[2] as string;
    if (!chosen.has(name)) continue;
    const at = into.add(name);
    for (let i = 0; i < COLUMNS.length; i++) into.values[at + i] = Number(parts[COLUMNS[i] as number]);
  }
}

/** Writes the rates of one device between two readings. */
export function writeDisk(before: Counters, b: number, now: Counters, n: number, elapsedMs: number, table: Table, at: number): void {
  const grown = (column: number, wrap = 0): number => growth(before.values[b + column] as number, now.values[n + column] as number, wrap);
  const perSecond = 1000 / elapsedMs;
  const reads = grown(0);
  const writes = grown(3);
  table.set(at, DISK.read, grown(1) * SECTOR_BYTES * perSecond);
  table.set(at, DISK.write, grown(4) * SECTOR_BYTES * perSecond);
  table.set(at, DISK.read_ops, reads * perSecond);
  table.set(at, DISK.write_ops, writes * perSecond);
  if (elapsedMs > 0 && reads > 0) table.set(at, DISK.read_await, grown(2, MS_WRAP) / reads);
  if (elapsedMs > 0 && writes > 0) table.set(at, DISK.write_await, grown(5, MS_WRAP) / writes);
  table.set(at, DISK.utilisation, Math.min(100, (grown(6, MS_WRAP) / elapsedMs) * 100));
  table.set(at, DISK.queue, grown(7, MS_WRAP) / elapsedMs);
}

/** Disks, from /proc/diskstats. */
export class DiskProbe implements Probe {
  readonly #file: TextFile;
  #now = new Counters(COLUMNS.length);
  #before = new Counters(COLUMNS.length);
  readonly #wanted = new Choice(wantedDevices);

  constructor(root: string) {
    this.#file = new TextFile(`${root}/proc/diskstats`);
  }

  read({ elapsedMs }: Tick, { disk }: Sample): void {
    const text = this.#file.read();
    const before = this.#now;
    const now = this.#before;
    this.#before = before;
    this.#now = now;
    if (text === null) return now.clear();
    parseDiskstats(text, now, this.#wanted);
    for (let row = 0; row < now.names.length; row++) {
      const name = now.names[row] as string;
      const at = disk.add(name);
      if (at === -1) break;
      const b = before.find(name, row);
      if (b !== -1) writeDisk(before, b, now, row * now.width, elapsedMs, disk, at);
    }
  }

  close(): void {
    this.#file.close();
  }
}
