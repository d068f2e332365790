import { expect, test } from "vitest";
import { RangeSet } from "./ranges.ts";

test("touching and overlapping ranges are joined", () => {
  const set = new RangeSet([
    [1, 3],
    [7, 9],
    [4, 4],
  ]);
  expect(set.ranges).toEqual([
    [1, 4],
    [7, 9],
  ]);
  set.add(5, 6);
  expect(set.ranges).toEqual([[1, 9]]);
});

test("removal splits", () => {
  const set = new RangeSet([[1, 10]]);
  set.remove(4, 5);
  set.remove(10);
  set.remove(50, 60);
  expect(set.ranges).toEqual([
    [1, 3],
    [6, 9],
  ]);
  expect(set.size).toBe(7);
});

test("it does what a plain set does", () => {
  let seed = 7;
  const random = (n: number) => (seed = (seed * 48_271) % 2_147_483_647) % n;
  const set = new RangeSet();
  const plain = new Set<number>();
  for (let i = 0; i < 2_000; i++) {
    const first = random(120);
    const last = first + random(9);
    const adding = random(2) === 0;
    if (adding) set.add(first, last);
    else set.remove(first, last);
    for (let n = first; n <= last; n++) plain[adding ? "add" : "delete"](n);
    const n = random(130);
    expect(set.has(n)).toBe(plain.has(n));
    const sorted = [...plain].toSorted((a, b) => a - b);
    expect(set.from(n)).toBe(sorted.find((m) => m >= n));
    expect(set.touches(n, n + 3)).toBe(sorted.some((m) => m >= n && m <= n + 3));
    expect(set.size).toBe(plain.size);
  }
});
