import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createOutgoing, type OutgoingOptions } from "./outgoing.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setImmediate", "clearImmediate", "performance"] }));
afterEach(() => void vi.useRealTimers());

const changed = (n: number) => ({ organizationId: "o", serverId: `server-${n}`.padEnd(36, "-") });

function outgoing(options: Partial<OutgoingOptions> = {}) {
  const sent: { events: unknown[][]; payloads: number; missed: boolean }[] = [];
  const failures: unknown[] = [];
  const queue = createOutgoing({
    send: async (payloads, missed) => {
      sent.push({ events: payloads.flat().map((text) => JSON.parse(text) as unknown[]), payloads: payloads.length, missed });
    },
    onFailed: (error) => failures.push(error),
    onTooLarge: () => undefined,
    ...options,
  });
  return { queue, sent, failures };
}

it("sends the first at once, and what comes meanwhile together, equal ones once", async () => {
  const { queue, sent } = outgoing();
  queue.add("server.changed", changed(1));
  await vi.advanceTimersByTimeAsync(1);
  expect(sent.length).toBe(1);
  for (let i = 0; i < 50; i++) queue.add("server.changed", changed(i % 2));
  await vi.advanceTimersByTimeAsync(1_000);
  expect(sent.length).toBe(2);
  expect(sent[1]!.events).toEqual([
    ["server.changed", changed(0)],
    ["server.changed", changed(1)],
  ]);
});

it("bounds notifications a second in a flood, and lets a revocation pass everything that waits", async () => {
  const { queue, sent } = outgoing();
  for (let i = 0; i < 5_000; i++) queue.add("server.changed", changed(i));
  queue.add("principal.revoked", { kind: "token", id: "t" });
  await vi.advanceTimersByTimeAsync(1_000);
  expect(sent[0]!.events[0]).toEqual(["principal.revoked", { kind: "token", id: "t" }]);
  expect(sent.reduce((sum, { payloads }) => sum + payloads, 0)).toBeLessThanOrEqual(55);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(sent.flatMap(({ events }) => events).length).toBe(5_001);
  expect(queue.waiting).toBe(0);
});

it("keeps what could not be sent, and tries less and less often", async () => {
  let away = true;
  const tries: number[] = [];
  const got: string[] = [];
  const { queue, failures } = outgoing({
    send: async (payloads) => {
      tries.push(performance.now());
      if (away) throw new Error("away");
      got.push(...payloads.flat());
    },
  });
  for (let i = 0; i < 300; i++) queue.add("server.changed", changed(i));
  queue.add("server.revoked", { serverId: "s", reason: "revoked" });
  await vi.advanceTimersByTimeAsync(30_000);
  expect(failures.length).toBeLessThan(15);
  expect(tries.at(-1)! - tries.at(-2)!).toBeGreaterThanOrEqual(5_000);
  away = false;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(new Set(got).size).toBe(301);
  expect(got[0]).toContain("server.revoked");
});

it("says that others missed something rather than keep more than its bound, or an event that is no reference", async () => {
  let away = true;
  const told: boolean[] = [];
  const tooLarge: string[] = [];
  const { queue } = outgoing({
    maxWaiting: 100,
    send: async (_payloads, missed) => {
      if (away) throw new Error("away");
      told.push(missed);
    },
    onTooLarge: (name) => tooLarge.push(name),
  });
  for (let i = 0; i < 1_000; i++) queue.add("server.changed", changed(i));
  await vi.advanceTimersByTimeAsync(10);
  expect(queue.waiting).toBeLessThanOrEqual(100);
  away = false;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(told.filter(Boolean).length).toBe(1);
  queue.add("server.revoked", { serverId: "s", reason: "x".repeat(3_000) });
  await vi.advanceTimersByTimeAsync(1_000);
  expect(tooLarge).toEqual(["server.revoked"]);
  expect(told.filter(Boolean).length).toBe(2);
});

it("sends what waits when it is closed, and nothing later", async () => {
  const { queue, sent } = outgoing();
  queue.add("server.changed", changed(1));
  await vi.advanceTimersByTimeAsync(1);
  queue.add("server.changed", changed(2));
  await queue.close();
  expect(sent.flatMap(({ events }) => events).length).toBe(2);
  queue.add("server.changed", changed(3));
  await vi.advanceTimersByTimeAsync(1_000);
  expect(sent.length).toBe(2);
});
