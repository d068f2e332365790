import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { createHash } from "node:crypto";

/** Name in every enrolment listener's certificate (controller: features/enrolment/rules.ts). */
export const enrolmentName = "enrol.devflow.internal";

/** A key pair made on this machine; the private half never leaves it. */
export interface NewKey {
  readonly privateKey: KeyObject;
  /** SPKI DER. */
  readonly publicKey: Buffer;
  readonly keyPem: string;
}

/** ECDSA P-256. */
export function makeKey(): NewKey {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return {
    privateKey,
    publicKey: publicKey.export({ format: "der", type: "spki" }),
    keyPem: privateKey.export({ format: "pem", type: "pkcs8" }).toString(),
  };
}

/** EnrolRequest.proof (proto/devflow/enrolment/v1). */
export const enrolmentProof = (key: NewKey, token: string): Buffer =>
  sign(
    "sha256",
    Buffer.concat([Buffer.from(`devflow-enrol-v1\0${createHash("sha256").update(token).digest("hex")}\0`), key.publicKey]),
    key.privateKey,
  );

/** RenewExpiredRequest.old_key_proof and new_key_proof. */
export const expiredProof = (signer: KeyObject, agentId: string, signedAtMs: bigint, publicKey: Uint8Array): Buffer =>
  sign("sha256", Buffer.concat([Buffer.from(`devflow-renew-expired-v1\0${agentId}\0${signedAtMs}\0`), publicKey]), signer);

/**
 * A fingerprint as people paste it (hexadecimal, colons and capitals allowed), in its one form.
 * @returns null when it is not a SHA-256
 */
export function readFingerprint(text: string): string | null {
  const plain = text.replaceAll(":", "").toLowerCase();
  return /^[0-9a-f]{64}$/.test(plain) ? plain : null;
}
