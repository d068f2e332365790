import { generateKeyPairSync, type KeyObject, sign, X509Certificate } from "node:crypto";
import { enrol } from "./enrol.ts";
import { enrolmentProofBytes, expiredRenewalProofBytes, renewalProofBytes, sha256Hex } from "./rules.ts";
import type { Context } from "../../platform/context.ts";

/** What an agent holds, for tests. */
export interface TestAgent {
  readonly agentId: string;
  readonly keyPem: string;
  readonly certificatePem: string;
  readonly certificate: X509Certificate;
  readonly privateKey: KeyObject;
}

export interface TestKey {
  readonly privateKey: KeyObject;
  readonly publicKey: Uint8Array;
}

export function newKey(curve = "P-256"): TestKey {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: curve });
  return { privateKey, publicKey: new Uint8Array(publicKey.export({ format: "der", type: "spki" })) };
}

const signed = (key: KeyObject, bytes: Buffer) => new Uint8Array(sign("sha256", bytes, key));

export const enrolRequest = (token: string, key: TestKey, hostname = "web-1") => ({
  token,
  publicKey: key.publicKey,
  proof: signed(key.privateKey, enrolmentProofBytes(sha256Hex(token), key.publicKey)),
  hostname,
  machineFingerprint: "ab".repeat(32),
  agentVersion: "0.1.0",
});

export const renewRequest = (agentId: string, key: TestKey) => ({
  publicKey: key.publicKey,
  proof: signed(key.privateKey, renewalProofBytes(agentId, key.publicKey)),
});

export function renewExpiredRequest(agent: TestAgent, key: TestKey, signedAtMs: number, oldKey: KeyObject = agent.privateKey) {
  const bytes = expiredRenewalProofBytes(agent.agentId, BigInt(signedAtMs), key.publicKey);
  return {
    certificatePem: agent.certificatePem,
    publicKey: key.publicKey,
    oldKeyProof: signed(oldKey, bytes),
    newKeyProof: signed(key.privateKey, bytes),
    signedAtMs: BigInt(signedAtMs),
  };
}

/** Enrols by the verb, without a network. */
export async function enrolAgent(ctx: Context, token: string, key = newKey(), hostname = "web-1"): Promise<TestAgent> {
  const answer = await enrol({ ctx, input: { request: enrolRequest(token, key, hostname), address: "192.0.2.7" } });
  return toAgent(answer.agentId, answer.certificatePem, key);
}

export const toAgent = (agentId: string, certificatePem: string, key: TestKey): TestAgent => ({
  agentId,
  certificatePem,
  certificate: new X509Certificate(certificatePem),
  privateKey: key.privateKey,
  keyPem: key.privateKey.export({ format: "pem", type: "pkcs8" }).toString(),
});
