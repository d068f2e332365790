import { createHash, createPublicKey, verify } from "node:crypto";
import { expect, test } from "vitest";
import { enrolmentProof, expiredProof, makeKey, readFingerprint } from "./wire.ts";

test("the proof is over the token's hash and the key, as the wire says", () => {
  const key = makeKey();
  const publicKey = createPublicKey({ key: key.publicKey, format: "der", type: "spki" });
  const hash = createHash("sha256").update("dfe_x").digest("hex");
  const bytes = Buffer.concat([Buffer.from("devflow-enrol-v1\0"), Buffer.from(hash), Buffer.from([0]), key.publicKey]);
  expect(verify("sha256", bytes, publicKey, enrolmentProof(key, "dfe_x"))).toBe(true);
  expect(verify("sha256", bytes, publicKey, enrolmentProof(key, "dfe_y"))).toBe(false);
});

test("the proof of a renewal names agent, time and new key", () => {
  const [old, fresh] = [makeKey(), makeKey()];
  const publicKey = createPublicKey({ key: old.publicKey, format: "der", type: "spki" });
  const bytes = Buffer.concat([Buffer.from("devflow-renew-expired-v1\0id\x001234\0"), fresh.publicKey]);
  expect(verify("sha256", bytes, publicKey, expiredProof(old.privateKey, "id", 1234n, fresh.publicKey))).toBe(true);
});

test("a fingerprint is taken with colons and capitals, and nothing else is one", () => {
  expect(readFingerprint("AB:".repeat(31) + "AB")).toBe("ab".repeat(32));
  for (const wrong of ["", "ab", "zz".repeat(32), `${"ab".repeat(32)} `]) expect(readFingerprint(wrong)).toBeNull();
});
