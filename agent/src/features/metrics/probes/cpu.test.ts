import { expect, it } from "vitest";
import { Counters } from "../counters.ts";
import { cpuShares, emptyStat, parseStat } from "./cpu.ts";

const stat = (text: string) => {
  const into = emptyStat();
  parseStat(text, into);
  return into;
};

const line = (...values: number[]): Counters => {
  const counters = new Counters(8);
  counters.values.set(values, counters.add("cpu"));
  return counters;
};
const shares = (before: Counters, now: Counters): number[] | null => {
  const out = new Float64Array(6);
  return cpuShares(before, 0, now, 0, out) ? [...out] : null;
};

it("reads modes, cores and the counters behind a long interrupt line", () => {
  const text = `cpu  4670 1 3888 223354 180 2 70 9 5 0
cpu0 1950 0 1521 112540 33 0 23 3 0 0
cpu1 2720 1 2367 110814 147 2 47 6 5 0
intr 396133${" 0".repeat(9000)}
ctxt 1111264
btime 1795168871
processes 7989
procs_running 3
procs_blocked 4
softirq 144755 0 21054
`;
  const read = stat(text);
  expect(read.times.names).toEqual(["cpu", "cpu0", "cpu1"]);
  expect(Array.from(read.times.values.slice(0, 8))).toEqual([4670, 1, 3888, 223354, 180, 2, 70, 9]);
  expect(read).toMatchObject({ contextSwitches: 1111264, forks: 7989, running: 3, blocked: 4 });
});

it("reads 128 cores", () => {
  const text = `cpu  1 2 3 4 5 6 7 8 9 10\n${Array.from({ length: 128 }, (_, i) => `cpu${i} ${i} 2 3 4 5 6 7 8 9 10`).join("\n")}\nctxt 1\n`;
  const { times } = stat(text);
  expect(times.names).toHaveLength(129);
  expect(times.values[times.find("cpu127", 128)]).toBe(127);
});

it("leaves what an old kernel lacks as not measured", () => {
  const { times, forks } = stat("cpu  10 20 30 40\ncpu0 10 20 30 40\nctxt 5\n");
  expect(Array.from(times.values.slice(0, 8))).toEqual([10, 20, 30, 40, NaN, NaN, NaN, NaN]);
  expect(forks).toBeNaN();
  expect(shares(line(10, 0, 10, 80), line(20, 0, 20, 160))).toEqual([20, 10, 10, NaN, NaN, NaN]);
});

it("splits time into shares of all CPUs", () => {
  // user 10 + nice 5, system 10, idle 60, iowait 5, irq 2 + softirq 3, steal 5: 100 ticks.
  const [busy, user, system, iowait, irq, steal] = shares(line(0, 0, 0, 0, 0, 0, 0, 0), line(10, 5, 10, 60, 5, 2, 3, 5)) as number[];
  expect([busy, user, system, iowait, irq, steal]).toEqual([35, 15, 10, 5, 5, 5]);
});

it("takes I/O wait that runs backwards as none, and idle or busy time that does as a reset", () => {
  const before = line(100, 0, 100, 800, 50, 0, 0, 0);
  expect(shares(before, line(110, 0, 110, 880, 49, 0, 0, 0))).toEqual([20, 10, 10, 0, 0, 0]);
  expect(shares(before, line(110, 0, 110, 10, 50, 0, 0, 0))).toBeNull();
  expect(shares(before, line(1, 0, 1, 900, 50, 0, 0, 0))).toBeNull();
  expect(shares(before, before)).toBeNull();
});
