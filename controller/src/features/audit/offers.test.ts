import { describe, expect, it } from "vitest";
import { createOffers } from "./offers.ts";

const minute = 60_000;
const start = Date.UTC(2026, 10, 20, 12);
const organizationId = "0d5bd2c2-1c33-4d39-8a3c-5d1f2c1f0a01";

/** Offers over one organisation's end, which the test sets; what the database answers is all that is made up. */
function made() {
  let now = start;
  let end = { organizationId, sequence: 5, hash: "ab".repeat(32), at: new Date(start).toISOString(), signature: "AA==" };
  const sql = (() => Promise.resolve([end])) as never;
  const offers = createOffers({ sql, clock: { now: () => now } });
  return {
    offers,
    pass: async (minutes: number) => {
      now += minutes * minute;
      await offers.refresh();
      return offers.beginPass();
    },
    sign: (sequence: number, lateMs = 0) => (end = { ...end, sequence, at: new Date(now + lateMs).toISOString() }),
  };
}

describe("offers of checkpoints", () => {
  it("an agent that holds none gets the newest, another one what is about an hour newer", async () => {
    const { offers, pass, sign } = made();
    await pass(1);
    const first = offers.forAgent(organizationId, null);
    expect(first?.held).toEqual({ sequence: 5, atMs: start });
    expect(offers.forAgent("another", null)).toBeNull();
    expect(offers.forAgent(organizationId, first!.held)).toBeNull();
    sign(6);
    await pass(1);
    expect(offers.forAgent(organizationId, first!.held)).toBeNull();
    await pass(57);
    sign(7);
    await pass(1);
    expect(offers.forAgent(organizationId, first!.held)?.held.sequence).toBe(7);
  });

  it("each agent has one minute of the hour, and none is left out when a pass comes late", async () => {
    const { pass } = made();
    const agents = Array.from({ length: 600 }, (_, i) => `${i.toString(16).padStart(8, "0")}-0000-4000-8000-000000000000`);
    const due = new Map<string, number>();
    let most = 0;
    for (const step of [...Array.from({ length: 20 }, () => 1), 10, ...Array.from({ length: 30 }, () => 1)]) {
      const isDue = await pass(step);
      const some = agents.filter(isDue);
      if (step === 1) most = Math.max(most, some.length);
      for (const agent of some) due.set(agent, (due.get(agent) ?? 0) + 1);
    }
    expect(due.size).toBe(600);
    expect(new Set(due.values())).toEqual(new Set([1]));
    expect(most).toBe(10);
  });
});
