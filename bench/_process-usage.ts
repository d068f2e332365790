import { readFileSync, readdirSync } from "node:fs";

/** What a process used so far. */
export interface Usage {
  readonly atMs: number;
  /** CPU time of all its threads. */
  readonly cpuSeconds: number;
  /** CPU time of its children that have ended. */
  readonly childCpuSeconds: number;
  /** Time for which its threads were ready and waited for a processor: the machine's other work. */
  readonly waitedSeconds: number;
  /** Resident memory now, MiB. */
  readonly rssMb: number;
}

const TICKS_PER_SECOND = 100;

/**
 * Reads a process from /proc. CPU time comes from schedstat (nanoseconds); threads that ended since are missing there,
 * so the clock ticks of stat are the lower bound.
 */
export function usageOf(pid: number): Usage {
  let nanoseconds = 0;
  let waited = 0;
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const [ran, waiting] = readFileSync(`/proc/${pid}/task/${task}/schedstat`, "utf8").split(" ");
    nanoseconds += Number(ran);
    waited += Number(waiting);
  }
  // Behind the name, which may hold anything: state is field 3, utime, stime, cutime and cstime 14 to 17 (proc_pid_stat(5)).
  const ticks = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ")
    .slice(11, 15)
    .map(Number);
  const [user = 0, system = 0, childUser = 0, childSystem = 0] = ticks;
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return {
    atMs: performance.now(),
    cpuSeconds: Math.max(nanoseconds / 1e9, (user + system) / TICKS_PER_SECOND),
    childCpuSeconds: (childUser + childSystem) / TICKS_PER_SECOND,
    waitedSeconds: waited / 1e9,
    rssMb: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024,
  };
}

export interface Footprint {
  /** Largest resident memory seen, MiB. */
  readonly rssMb: number;
  readonly cpuSecondsPerHour: number;
  /** The same for each minute of the window (of a last part, when it is 30 s or more): how far single looks lie apart. */
  readonly cpuSecondsPerHourByMinute: readonly number[];
  /**
   * For how long it waited for a processor, by the hour. Clearly more than the CPU time itself: others were at work, whose
   * data drive out the agent's from the caches, and the figures are too high.
   */
  readonly waitedSecondsPerHour: number;
}

const MINUTE_MS = 60_000;

const round = (value: number): number => Math.round(value * 100) / 100;

/** Watches processes over the same time and tells what each used. */
export async function watch(pids: Readonly<Record<string, number>>, seconds: number): Promise<Record<string, Footprint>> {
  const names = Object.keys(pids);
  const read = (): Usage[] => names.map((name) => usageOf(pids[name] as number));
  const first = read();
  const peaks = first.map((usage) => usage.rssMb);
  const minutes: Usage[][] = [first];
  const sinceMinute = (now: Usage[]): number => (now[0] as Usage).atMs - ((minutes.at(-1) as Usage[])[0] as Usage).atMs;
  let last = first;
  const endMs = performance.now() + seconds * 1000;
  while (performance.now() < endMs) {
    await new Promise((resolve) => setTimeout(resolve, Math.min(2000, Math.max(1, endMs - performance.now()))));
    last = read();
    for (const [i, usage] of last.entries()) peaks[i] = Math.max(peaks[i] as number, usage.rssMb);
    if (sinceMinute(last) >= MINUTE_MS) minutes.push(last);
  }
  if (sinceMinute(last) >= MINUTE_MS / 2) minutes.push(last);
  return Object.fromEntries(
    names.map((name, i) => {
      const perHour = (from: Usage, to: Usage, what: "cpuSeconds" | "waitedSeconds"): number =>
        round(((to[what] - from[what]) / (to.atMs - from.atMs)) * 3.6e6);
      const [a, b] = [first[i] as Usage, last[i] as Usage];
      const footprint: Footprint = {
        rssMb: round(peaks[i] as number),
        cpuSecondsPerHour: perHour(a, b, "cpuSeconds"),
        cpuSecondsPerHourByMinute: minutes
          .slice(1)
          .map((to, n) => perHour((minutes[n] as Usage[])[i] as Usage, to[i] as Usage, "cpuSeconds")),
        waitedSecondsPerHour: perHour(a, b, "waitedSeconds"),
      };
      return [name, footprint];
    }),
  );
}
