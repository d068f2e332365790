import { describe, expect, test } from "vitest";
import { INTERVAL_MS, Intervals, timeOf, type Cut } from "./intervals.ts";

const T = Date.UTC(2026, 0, 1); // on the grid

interface Row extends Cut {
  samples: number;
  settled: boolean;
}

/** Plays an agent second by second; `events` change the offset at a steady time. Returns rows as they would be stored. */
function play(options: {
  fromMs: number;
  seconds: number;
  offsetMs: number;
  settled?: boolean;
  events?: { atMs: number; offsetMs: number }[];
  jitterMs?: (second: number) => number;
}) {
  const rows: Row[] = [];
  let settled = options.settled ?? false;
  let offsetMs = options.offsetMs;
  let samples = 0;
  const intervals = new Intervals(options.fromMs, offsetMs);
  const keep = (cut: Cut | "discard" | null) => {
    if (cut === null) return;
    if (cut !== "discard" && samples > 0) rows.push({ ...cut, samples, settled });
    samples = 0;
  };
  for (let second = 0; second < options.seconds; second++) {
    const now = options.fromMs + second * 1000 + (options.jitterMs?.(second) ?? 0);
    for (const event of options.events ?? []) {
      if (event.atMs > now || event.atMs <= now - 1000) continue;
      offsetMs = event.offsetMs;
      const retimed = rows.map((row) => (row.settled ? row.timeS : timeOf(row.endMs, offsetMs)));
      if (!settled) for (const row of rows) row.settled = false;
      settled = true;
      keep(intervals.moveTo(offsetMs, now, Math.max(0, ...retimed)));
    }
    keep(intervals.tick(now));
    samples++;
  }
  return { rows, times: rows.map((row) => (row.settled ? row.timeS : timeOf(row.endMs, offsetMs))) };
}

const everyTenSeconds = (times: number[]) => times.every((time, i) => i === 0 || time === (times[i - 1] as number) + 10);

test("rows are ten seconds apart, on the grid, of ten samples", () => {
  const { rows, times } = play({ fromMs: 1_000, seconds: 65, offsetMs: T - 1_000, settled: true });
  expect(times).toEqual([0, 10, 20, 30, 40, 50].map((s) => T / 1000 + s));
  expect(rows.map((row) => row.samples)).toEqual([10, 10, 10, 10, 10, 10]);
});

test("an agent that starts in the middle of an interval makes a row of fewer samples", () => {
  const { rows } = play({ fromMs: 4_000, seconds: 20, offsetMs: T, settled: true });
  expect(rows[0]).toMatchObject({ timeS: T / 1000, endMs: 10_000, samples: 6 });
});

test("timer jitter neither skips nor repeats an interval", () => {
  const { times } = play({ fromMs: 0, seconds: 3_600, offsetMs: T, settled: true, jitterMs: (s) => (s * 7919) % 900 });
  expect(everyTenSeconds(times)).toBe(true);
});

describe("settling: rows from before are re-timed, and there is no hole and no double", () => {
  for (const stepMs of [-3_600_000, -86_400_123, -9_999, -5_000, -1, 0, 1, 3_333, 9_999, 25_000, 3_600_000]) {
    for (const atMs of [500, 10_000, 14_000, 19_999, 33_300]) {
      test(`wall clock was off by ${stepMs} ms, Welcome at ${atMs} ms`, () => {
        const { rows, times } = play({ fromMs: 0, seconds: 120, offsetMs: T + 3_210 + stepMs, events: [{ atMs, offsetMs: T + 3_210 }] });
        expect(everyTenSeconds(times)).toBe(true);
        expect(times.every((time) => time % 10 === 0)).toBe(true);
        expect(Math.max(...rows.map((row) => row.samples))).toBeLessThanOrEqual(10);
        expect(times.at(-1)).toBeGreaterThanOrEqual((T + 3_210 + 119_000 - 2 * INTERVAL_MS) / 1000);
      });
    }
  }
});

test("a settled clock that moves forward leaves out what never was and repeats nothing", () => {
  const { times } = play({ fromMs: 0, seconds: 120, offsetMs: T, settled: true, events: [{ atMs: 45_000, offsetMs: T + 60_000 }] });
  expect(times.every((time, i) => i === 0 || time > (times[i - 1] as number))).toBe(true);
  expect(times.at(-1)).toBe(T / 1000 + 160);
});

test("a settled clock that moves back a little waits rather than repeat a time", () => {
  const { times } = play({ fromMs: 0, seconds: 120, offsetMs: T, settled: true, events: [{ atMs: 45_000, offsetMs: T - 25_000 }] });
  expect(new Set(times).size).toBe(times.length);
  expect(everyTenSeconds(times)).toBe(true);
});

test("a settled clock that was an hour ahead goes on at once when it is put right", () => {
  const { times } = play({ fromMs: 0, seconds: 120, offsetMs: T + 3_600_000, settled: true, events: [{ atMs: 45_000, offsetMs: T }] });
  expect(times.filter((time) => time < T / 1000 + 3_000)).toEqual([40, 50, 60, 70, 80, 90, 100].map((s) => T / 1000 + s));
});

test("a process that starts in an interval which already has its row makes no second one", () => {
  const intervals = new Intervals(14_000, T, T / 1000 + 10);
  expect(intervals.tick(20_000)).toBe("discard");
  expect(intervals.tick(30_000)).toEqual({ endMs: 30_000, timeS: T / 1000 + 20 });
});

test("a stall of minutes makes one row and goes on from now", () => {
  const intervals = new Intervals(0, T);
  expect(intervals.tick(5_000)).toBeNull();
  expect(intervals.tick(305_000)).toEqual({ endMs: 10_000, timeS: T / 1000 });
  expect(intervals.tick(310_000)).toEqual({ endMs: 310_000, timeS: T / 1000 + 300 });
});

test("stopping in the middle keeps what was gathered", () => {
  const intervals = new Intervals(0, T);
  expect(intervals.finish(4_000)).toEqual({ endMs: 10_000, timeS: T / 1000 });
});
