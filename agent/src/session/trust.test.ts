import { generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { createTestCa } from "../../../controller/src/platform/rpc/pki.testkit.ts";
import { nextCaBundle, nextTaskKey } from "./trust.ts";

let old: string;
let fresh: string;
let foreign: string;
let leaf: string;
beforeAll(async () => {
  const [a, b, c] = await Promise.all([createTestCa("old"), createTestCa("new"), createTestCa("foreign")]);
  [old, fresh, foreign] = [a.caPem, b.caPem, c.caPem];
  leaf = (await a.issue("leaf", "server")).certPem;
});

describe("the CA bundle", () => {
  test("nothing new keeps the file as it is", () => {
    expect(nextCaBundle(old, [])).toEqual({ pem: null, refused: null });
    expect(nextCaBundle(old, [old])).toEqual({ pem: null, refused: null });
  });

  test("a replacement overlaps: the new one comes, later the old one goes", () => {
    const both = nextCaBundle(old, [old, fresh]).pem as string;
    expect(both.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    expect(nextCaBundle(both, [fresh]).pem?.match(/BEGIN CERTIFICATE/g)).toHaveLength(1);
  });

  test("a bundle of strangers is not believed", () => {
    expect(nextCaBundle(old, [foreign])).toEqual({ pem: null, refused: expect.stringContaining("no certificate in common") });
  });

  test("what is not a CA, not a certificate or far too much is refused", () => {
    expect(nextCaBundle(old, [old, leaf]).refused).toContain("not a CA");
    expect(nextCaBundle(old, ["nonsense"]).refused).toContain("found 0");
    expect(
      nextCaBundle(
        old,
        Array.from({ length: 17 }, () => old),
      ).refused,
    ).toContain("1 to 16");
  });
});

describe("the task-signing key", () => {
  const der = (key: KeyObject) => key.export({ type: "spki", format: "der" });
  const pinned = generateKeyPairSync("ed25519");
  const next = generateKeyPairSync("ed25519");
  const none = new Uint8Array();

  test("the pinned one stays", () => {
    expect(nextTaskKey(pinned.publicKey, { taskSigningKey: der(pinned.publicKey), taskSigningKeySignature: none })).toEqual({
      pem: null,
      refused: null,
    });
  });

  test("the old key introduces a new one", () => {
    const taskSigningKey = der(next.publicKey);
    const { pem, refused } = nextTaskKey(pinned.publicKey, {
      taskSigningKey,
      taskSigningKeySignature: sign(null, taskSigningKey, pinned.privateKey),
    });
    expect(refused).toBeNull();
    expect(pem).toBe(next.publicKey.export({ type: "spki", format: "pem" }));
  });

  test("a new one without that, signed by itself or over something else, is refused", () => {
    const taskSigningKey = der(next.publicKey);
    for (const taskSigningKeySignature of [
      none,
      sign(null, taskSigningKey, next.privateKey),
      sign(null, Buffer.from("other"), pinned.privateKey),
    ]) {
      expect(nextTaskKey(pinned.publicKey, { taskSigningKey, taskSigningKeySignature })).toEqual({
        pem: null,
        refused: expect.stringContaining("without the old key's signature"),
      });
    }
  });

  test("a key of another kind is refused even when it is signed", () => {
    const taskSigningKey = der(generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey);
    const offered = { taskSigningKey, taskSigningKeySignature: sign(null, taskSigningKey, pinned.privateKey) };
    expect(nextTaskKey(pinned.publicKey, offered).refused).not.toBeNull();
  });

  test("with no pinned key none is believed", () => {
    expect(nextTaskKey(null, { taskSigningKey: der(next.publicKey), taskSigningKeySignature: none })).toEqual({
      pem: null,
      refused: expect.stringContaining("no task-signing key was pinned"),
    });
  });
});
