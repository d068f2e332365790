import { generateKeyPairSync, sign } from "node:crypto";
import { create, toBinary } from "@bufbuild/protobuf";
import { SignedTaskSchema, TaskEnvelopeSchema } from "@devflow/proto/tasks/v1/tasks";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Verifier, verifyTask } from "./verify-task.ts";

const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const agentId = "0198f3a2-7c1e-7b52-9d7e-000000000001";
const nowMs = Date.UTC(2026, 10, 20);
const by: Verifier = { signingKey: publicKey.export({ type: "spki", format: "der" }), agentId, nowMs, floorMs: 0 };
const right = {
  agentId,
  runId: "0198f3a2-7c1e-7b52-9d7e-00000000000a",
  notBeforeMs: BigInt(nowMs - 1_000),
  expiresMs: BigInt(nowMs + 60_000),
  type: "servers.ping",
  inputJson: "{}",
};
const signed = (changes: Partial<typeof right> = {}, context = "devflow-task-v1\0", key = privateKey) => {
  const envelope = toBinary(TaskEnvelopeSchema, create(TaskEnvelopeSchema, { ...right, ...changes }));
  return create(SignedTaskSchema, { envelope, signature: sign(null, Buffer.concat([Buffer.from(context), envelope]), key) });
};
const codeOf = (task: ReturnType<typeof signed>, verifier = by) => {
  const verdict = verifyTask(task, verifier);
  return "refusal" in verdict ? verdict.refusal.code : "ok";
};

describe("an envelope", () => {
  it("that is right is opened", () => {
    expect(verifyTask(signed(), by)).toMatchObject({ envelope: { runId: right.runId, type: "servers.ping", inputJson: "{}" } });
  });

  it("is refused when another key signed it, or the same key for another purpose", () => {
    expect(codeOf(signed({}, undefined, generateKeyPairSync("ed25519").privateKey))).toBe("bad_signature");
    expect(codeOf(signed({}, "devflow-audit-v1\0"))).toBe("bad_signature");
    expect(codeOf({ ...signed(), signature: new Uint8Array() })).toBe("bad_signature");
    const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const verifier = { ...by, signingKey: rsa.publicKey.export({ type: "spki", format: "der" }) };
    expect(codeOf(signed({}, undefined, rsa.privateKey), verifier)).toBe("bad_signature");
  });

  it("is refused when any bit of it, or of its signature, is another", () => {
    const task = signed();
    fc.assert(
      fc.property(fc.boolean(), fc.nat(), fc.nat(7), (ofSignature, place, bit) => {
        const [envelope, signature] = [Buffer.from(task.envelope), Buffer.from(task.signature)];
        const bytes = ofSignature ? signature : envelope;
        const at = place % bytes.length;
        bytes[at] = bytes[at]! ^ (1 << bit);
        expect(codeOf({ ...task, envelope, signature })).toBe("bad_signature");
      }),
      { numRuns: 200 },
    );
  });

  it.each<[string, Partial<typeof right>, Partial<Verifier>]>([
    ["foreign_agent", { agentId: agentId.replace(/1$/, "2") }, {}],
    ["foreign_agent", { agentId: "" }, {}],
    ["malformed", { runId: "../../etc" }, {}],
    ["malformed", { runId: right.runId.toUpperCase() }, {}],
    ["malformed", { type: "ping; reboot" }, {}],
    ["malformed", { type: "" }, {}],
    ["malformed", { notBeforeMs: 0n }, {}],
    ["malformed", { expiresMs: right.notBeforeMs }, {}],
    ["malformed", { expiresMs: BigInt(nowMs + 32 * 86_400_000) }, {}],
    ["malformed", { expiresMs: 2n ** 63n - 1n }, {}],
    ["too_early", { notBeforeMs: BigInt(nowMs + 1) }, {}],
    ["expired", {}, { nowMs: Number(right.expiresMs) }],
    ["before_floor", {}, { floorMs: nowMs }],
    ["ok", {}, { floorMs: nowMs - 1_000 }],
  ])("is %s with %o as seen by %o", (code, changes, verifier) => {
    expect(codeOf(signed(changes), { ...by, ...verifier })).toBe(code);
  });

  it("that is empty, too large or no message is refused", () => {
    for (const envelope of [Buffer.alloc(0), Buffer.alloc(600_000), Buffer.from("\xff\xff\xff", "latin1")]) {
      const signature = sign(null, Buffer.concat([Buffer.from("devflow-task-v1\0"), envelope]), privateKey);
      expect(codeOf(create(SignedTaskSchema, { envelope, signature }))).toBe("malformed");
    }
  });
});
