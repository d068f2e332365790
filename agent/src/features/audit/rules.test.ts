import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { describe, expect, test } from "vitest";
import { checkpointToWire as toWire } from "@devflow/rpc/audit-checkpoint";
import { fromLine, fromWire, isSigned, type KeptCheckpoint } from "./checkpoint.ts";
import { claims, judge, maxKept, prune } from "./rules.ts";

const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const organizationId = "0d5bd2c2-1c33-4d39-8a3c-5d1f2c1f0a01";
const NOW = Date.UTC(2026, 10, 20, 12);

function checkpoint(sequence: number, change: Partial<KeptCheckpoint> = {}, key: KeyObject = privateKey): KeptCheckpoint {
  const one = { organizationId, sequence, hash: "ab".repeat(32), at: new Date(NOW).toISOString(), ...change };
  const text = `devflow audit checkpoint 1\n${one.organizationId}\n${sequence}\n${one.hash}\n${one.at}\n`;
  return { receivedAt: new Date(NOW).toISOString(), signature: sign(null, Buffer.from(text), key).toString("base64"), ...one };
}
const held = checkpoint(10);

describe("a checkpoint", () => {
  test("comes through the wire and the file as it is", () => {
    expect(fromWire(toWire(held), NOW)).toEqual(held);
    expect(fromLine(JSON.stringify(held))).toEqual(held);
    expect(isSigned(publicKey, held)).toBe(true);
  });

  test.each([
    ["an organisation that is none", { organizationId: "x\n1" }],
    ["no row", { sequence: 0n }],
    ["a row beyond what numbers hold", { sequence: 2n ** 60n }],
    ["a short hash", { hash: new Uint8Array(31) }],
    ["a short signature", { signature: new Uint8Array(63) }],
    ["a time that no calendar has", { timeMs: 2n ** 62n }],
  ])("with %s is none", (_, change) => {
    expect(fromWire({ ...toWire(held), ...change }, NOW)).toBeNull();
  });
});

describe("what is offered", () => {
  test("is taken when it is signed and goes on", () => {
    expect(judge(publicKey, null, held)).toEqual({ take: true, refused: null });
    expect(judge(publicKey, held, checkpoint(11))).toEqual({ take: true, refused: null });
    expect(judge(publicKey, held, checkpoint(10, { at: new Date(NOW + 1).toISOString() }))).toEqual({ take: false, refused: null });
  });

  test.each([
    ["back", checkpoint(9), /went back to row 9; row 10 .* is held/],
    ["sideways", checkpoint(10, { hash: "cd".repeat(32) }), /row 10 has another hash/],
    ["to another organisation", checkpoint(11, { organizationId: "1d5bd2c2-1c33-4d39-8a3c-5d1f2c1f0a01" }), /of organisation 1d5bd2c2/],
    ["without a signature", { ...checkpoint(11), signature: Buffer.alloc(64).toString("base64") }, /not signed/],
    ["by another key", checkpoint(11, {}, generateKeyPairSync("ed25519").privateKey), /not signed/],
    ["with a changed hash", { ...checkpoint(11), hash: "cd".repeat(32) }, /not signed/],
  ])("is refused when it goes %s", (_, offered, words) => {
    expect(judge(publicKey, held, offered)).toMatchObject({ take: false, refused: expect.stringMatching(words) as string });
  });

  test("is refused without a pinned key", () => {
    expect(judge(null, null, held)).toMatchObject({ take: false, refused: expect.stringContaining("pinned") as string });
  });
});

describe("what is kept", () => {
  const hour = 3_600_000;
  test("is the last of each hour for two days, then of each day, and no more than fits", () => {
    let kept: KeptCheckpoint[] = [];
    let sequence = 0;
    for (let at = NOW; at < NOW + 600 * 24 * hour; at += 6 * hour)
      kept = prune([...kept, checkpoint(++sequence, { receivedAt: new Date(at).toISOString() })], at);
    expect(kept.length).toBeLessThanOrEqual(maxKept);
    expect(kept.length).toBeGreaterThan(400);
    expect(kept.at(-1)?.sequence).toBe(sequence);
    expect(kept.slice(-8).map((one) => one.sequence)).toEqual(Array.from({ length: 8 }, (_, i) => sequence - 7 + i));
    const days = kept.slice(0, -12).map((one) => one.receivedAt.slice(0, 10));
    expect(new Set(days).size).toBe(days.length);
    expect(kept.reduce((n, one) => n + JSON.stringify(one).length, 0)).toBeLessThan(200_000);
  });

  test("is not pushed out by many that come at once, whatever time they claim", () => {
    const old = [
      checkpoint(1, { receivedAt: new Date(NOW - 72 * hour).toISOString() }),
      checkpoint(2, { receivedAt: new Date(NOW - hour).toISOString() }),
    ];
    let kept: KeptCheckpoint[] = old;
    for (let i = 0; i < 1_000; i++) kept = prune([...kept, checkpoint(3 + i, { at: new Date(NOW + i * 24 * hour).toISOString() })], NOW);
    expect(kept.map((one) => one.sequence)).toEqual([1, 2, 1_002]);
  });
});

test("a greeting hands over the newest, the oldest and one between", () => {
  const kept = [1, 2, 3, 4].map((sequence) => checkpoint(sequence));
  expect(claims(kept, 0.5).map((one) => one.sequence)).toEqual([4, 1, 3]);
  expect(claims(kept, 0).map((one) => one.sequence)).toEqual([4, 1]);
  expect(claims([], 0)).toEqual([]);
});
