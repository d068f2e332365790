import { TextFile } from "../../../host/text-file.ts";
import { growth } from "../counters.ts";
import type { Probe, Sample, Tick } from "../probe.ts";
import { places } from "../table.ts";

const HOST = places("host", [
  "memory_total",
  "memory_used",
  "memory_available",
  "memory_cached",
  "memory_buffers",
  "memory_dirty",
  "swap_total",
  "swap_used",
  "swap_in",
  "swap_out",
]);

const PAGE_BYTES = 4096;

/** Bytes by name of /proc/meminfo; NaN for what a kernel lacks. */
export interface Memory {
  total: number;
  available: number;
  buffers: number;
  /** Page cache without shared memory, and reclaimable kernel memory: what `free` calls cache. */
  cached: number;
  dirty: number;
  swapTotal: number;
  swapFree: number;
}

function kibibytes(text: string, key: string): number {
  const at = text.startsWith(key) ? 0 : text.indexOf(`\n${key}`) + 1;
  if (at === 0 && !text.startsWith(key)) return Number.NaN;
  return Number.parseInt(text.slice(at + key.length, at + key.length + 24), 10) * 1024;
}

const orZero = (value: number): number => (Number.isNaN(value) ? 0 : value);

/** Parses /proc/meminfo (proc_meminfo(5)). Without MemAvailable (before 3.14) it is estimated as `free` did. */
export function parseMeminfo(text: string): Memory {
  const buffers = kibibytes(text, "Buffers:");
  const cached = kibibytes(text, "Cached:") + orZero(kibibytes(text, "SReclaimable:")) - orZero(kibibytes(text, "Shmem:"));
  const available = kibibytes(text, "MemAvailable:");
  return {
    total: kibibytes(text, "MemTotal:"),
    available: Number.isNaN(available) ? kibibytes(text, "MemFree:") + buffers + cached : available,
    buffers,
    cached,
    dirty: kibibytes(text, "Dirty:") + orZero(kibibytes(text, "Writeback:")),
    swapTotal: kibibytes(text, "SwapTotal:"),
    swapFree: kibibytes(text, "SwapFree:"),
  };
}

/** Pages swapped in and out since boot, from /proc/vmstat. */
export function parseSwapping(text: string): { pagesIn: number; pagesOut: number } {
  const pages = (key: string): number => {
    const at = text.indexOf(key);
    return at === -1 ? Number.NaN : Number.parseInt(text.slice(at + key.length, at + key.length + 20), 10);
  };
  return { pagesIn: pages("\npswpin "), pagesOut: pages("\npswpout ") };
}

/** Memory and swap. */
export class MemoryProbe implements Probe {
  readonly #meminfo: TextFile;
  readonly #vmstat: TextFile;
  #swapping = { pagesIn: Number.NaN, pagesOut: Number.NaN };

  constructor(root: string) {
    this.#meminfo = new TextFile(`${root}/proc/meminfo`);
    this.#vmstat = new TextFile(`${root}/proc/vmstat`);
  }

  read({ elapsedMs }: Tick, { host }: Sample): void {
    const text = this.#meminfo.read();
    if (text === null) return;
    const memory = parseMeminfo(text);
    host.set(0, HOST.memory_total, memory.total);
    host.set(0, HOST.memory_used, memory.total - memory.available);
    host.set(0, HOST.memory_available, memory.available);
    host.set(0, HOST.memory_cached, memory.cached);
    host.set(0, HOST.memory_buffers, memory.buffers);
    host.set(0, HOST.memory_dirty, memory.dirty);
    host.set(0, HOST.swap_total, memory.swapTotal);
    host.set(0, HOST.swap_used, memory.swapTotal - memory.swapFree);
    this.#readSwapping(elapsedMs, memory.swapTotal, host);
  }

  close(): void {
    this.#meminfo.close();
    this.#vmstat.close();
  }

  /** /proc/vmstat is the dearest file of all here: without swap the answer is known. */
  #readSwapping(elapsedMs: number, swapTotal: number, host: Sample["host"]): void {
    if (swapTotal === 0) {
      host.set(0, HOST.swap_in, 0);
      host.set(0, HOST.swap_out, 0);
      this.#swapping = { pagesIn: Number.NaN, pagesOut: Number.NaN };
      return;
    }
    const text = this.#vmstat.read();
    if (text === null) return;
    const before = this.#swapping;
    this.#swapping = parseSwapping(text);
    const scale = (PAGE_BYTES * 1000) / elapsedMs;
    host.set(0, HOST.swap_in, growth(before.pagesIn, this.#swapping.pagesIn) * scale);
    host.set(0, HOST.swap_out, growth(before.pagesOut, this.#swapping.pagesOut) * scale);
  }
}
