import { describe, expect, it } from "vitest";
import { blockOf, createRequestLimits, type Lease, type RequestLimits } from "./request-limits.ts";

/** A count that several processes share, as the table is. */
function sharedCount() {
  const counts = new Map<string, number>();
  let leases = 0;
  let away = false;
  const lease: Lease = async (key, count) => {
    leases += 1;
    if (away) throw new Error("away");
    counts.set(key, (counts.get(key) ?? 0) + count);
    return counts.get(key)!;
  };
  return { lease, leases: () => leases, setAway: (value: boolean) => (away = value) };
}

const controller = (lease: Lease, now: () => number = () => 0) => createRequestLimits({ lease, now, onError: () => undefined });
const allowed = async (limits: RequestLimits, times: number, limit: number, key = "k") => {
  let count = 0;
  for (let i = 0; i < times; i++) if ((await limits.take(key, limit)).allowed) count += 1;
  return count;
};

describe("createRequestLimits", () => {
  it("lets exactly the limit through one controller, with one lease a block and none for the first", async () => {
    const shared = sharedCount();
    const limits = controller(shared.lease);
    expect(await allowed(limits, blockOf(1000), 1000)).toBe(50);
    expect(shared.leases()).toBe(0);
    expect(await allowed(limits, 2000, 1000)).toBe(950);
    expect(shared.leases()).toBe(20);
  });

  it("lets the limit through two controllers together, within a block each", async () => {
    const shared = sharedCount();
    const [a, b] = [controller(shared.lease), controller(shared.lease)];
    const through = (await Promise.all([allowed(a, 3000, 1000), allowed(b, 3000, 1000)])).reduce((x, y) => x + y);
    expect(Math.abs(through - 1000)).toBeLessThanOrEqual(2 * blockOf(1000));
    // Also when one took nearly all of it before the other was asked.
    const [c, d] = [controller(shared.lease), controller(shared.lease)];
    const first = await allowed(c, 970, 1000, "late");
    const rest = await allowed(d, 3000, 1000, "late");
    expect(Math.abs(first + rest - 1000)).toBeLessThanOrEqual(2 * blockOf(1000));
  });

  it("answers requests at the same time from one lease", async () => {
    const shared = sharedCount();
    const limits = controller(shared.lease);
    const verdicts = await Promise.all(Array.from({ length: 100 }, async () => limits.take("k", 1000)));
    expect(verdicts.every((verdict) => verdict.allowed)).toBe(true);
    expect(shared.leases()).toBe(1);
  });

  it("tells what is left and when the next window begins, and begins it", async () => {
    let now = 60_000;
    const limits = controller(sharedCount().lease, () => now);
    const remaining = [];
    for (let i = 0; i < 7; i++) remaining.push((await limits.take("k", 5)).remaining);
    expect(remaining).toEqual([4, 3, 2, 1, 0, 0, 0]);
    now = 100_500;
    expect(await limits.take("k", 5)).toEqual({ allowed: false, limit: 5, remaining: 0, resetSeconds: 20 });
    now = 120_000;
    expect(await limits.take("k", 5)).toEqual({ allowed: true, limit: 5, remaining: 4, resetSeconds: 60 });
  });

  it("goes on alone while the count is away, still with the limit, and tells what it gave when it is back", async () => {
    let now = 0;
    const shared = sharedCount();
    const limits = controller(shared.lease, () => now);
    shared.setAway(true);
    expect(await allowed(limits, 500, 1000)).toBe(500);
    expect(shared.leases()).toBe(1);
    shared.setAway(false);
    now = 1_000;
    expect(await allowed(limits, 2000, 1000)).toBe(500);
    const alone = controller(shared.lease, () => now);
    shared.setAway(true);
    expect(await allowed(alone, 2000, 1000, "other")).toBe(1000);
  });

  it("stays bounded", async () => {
    const limits = createRequestLimits({ lease: sharedCount().lease, now: () => 0, onError: () => undefined, maxKeys: 2 });
    for (const key of ["a", "b", "c"]) await limits.take(key, 20);
    expect((await limits.take("a", 20)).remaining).toBe(19);
  });
});
