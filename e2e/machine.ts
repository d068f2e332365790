import { type ChildProcess, spawn } from "node:child_process";
import { readFile } from "node:fs/promises";

interface CpuTimes {
  readonly busy: number;
  readonly total: number;
}

/** Jiffies since boot of all CPUs together; idle and waiting for I/O do not count as busy (proc(5), /proc/stat). */
export async function cpuTimes(): Promise<CpuTimes> {
  const [line = ""] = (await readFile("/proc/stat", "utf8")).split("\n");
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0] = line.split(/\s+/).slice(1).map(Number);
  const busy = user + nice + system + irq + softirq + steal;
  return { busy, total: busy + idle + iowait };
}

export const busyPercent = (from: CpuTimes, to: CpuTimes): number => (100 * (to.busy - from.busy)) / (to.total - from.total);

/** Bytes in use as the kernel sees it: total less available. */
export async function memoryUsedBytes(): Promise<number> {
  const text = await readFile("/proc/meminfo", "utf8");
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1]) * 1024;
  return field("MemTotal") - field("MemAvailable");
}

/** A process that keeps one CPU busy and holds `bytes` of memory until it is killed. */
export function load(bytes: number): ChildProcess {
  const program = `const held = Buffer.alloc(${bytes}, 1); for (let i = 0; ; i = (i + 4096) % held.length) held[i]++;`;
  return spawn(process.execPath, ["-e", program], { stdio: "ignore" });
}
