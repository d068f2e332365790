import { readFileSync, readdirSync } from "node:fs";

/** What a process used so far. */
export interface Usage {
  readonly atMs: number;
  /** CPU time of all its threads. */
  readonly cpuSeconds: number;
  /** Resident memory now, MiB. */
  readonly rssMb: number;
}

/**
 * Reads a process from /proc. CPU time comes from schedstat (nanoseconds); threads that ended since are missing there,
 * so the clock ticks of stat are the lower bound.
 */
export function usageOf(pid: number): Usage {
  const nanoseconds = readdirSync(`/proc/${pid}/task`)
    .map((task) => Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, "utf8").split(" ")[0]))
    .reduce((a, b) => a + b, 0);
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return {
    atMs: performance.now(),
    cpuSeconds: nanoseconds / 1e9,
    rssMb: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024,
  };
}

export interface Footprint {
  /** Largest resident memory seen, MiB. */
  readonly rssMb: number;
  readonly cpuSecondsPerHour: number;
}

const round = (value: number): number => Math.round(value * 100) / 100;

/** Watches processes over the same time and tells what each used. */
export async function watch(pids: Readonly<Record<string, number>>, seconds: number): Promise<Record<string, Footprint>> {
  const names = Object.keys(pids);
  const read = (): Usage[] => names.map((name) => usageOf(pids[name] as number));
  const first = read();
  const peaks = first.map((usage) => usage.rssMb);
  let last = first;
  const endMs = performance.now() + seconds * 1000;
  while (performance.now() < endMs) {
    await new Promise((resolve) => setTimeout(resolve, Math.min(2000, Math.max(1, endMs - performance.now()))));
    last = read();
    for (const [i, usage] of last.entries()) peaks[i] = Math.max(peaks[i] as number, usage.rssMb);
  }
  return Object.fromEntries(
    names.map((name, i) => {
      const [a, b] = [first[i] as Usage, last[i] as Usage];
      return [
        name,
        { rssMb: round(peaks[i] as number), cpuSecondsPerHour: round(((b.cpuSeconds - a.cpuSeconds) / (b.atMs - a.atMs)) * 3.6e6) },
      ];
    }),
  );
}
