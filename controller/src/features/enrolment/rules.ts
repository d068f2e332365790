import { createHash, createPublicKey, verify, type KeyObject } from "node:crypto";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** How long each certificate lives. The clock of a fresh machine may be behind, so all are backdated. */
export const lifetimes = {
  rootMs: 3650 * dayMs,
  intermediateMs: 365 * dayMs,
  /** Gateway's and enrolment listener's own certificates; never beyond the intermediate that signs them. */
  listenerMs: 90 * dayMs,
  agentMs: 30 * dayMs,
  backdatedMs: 24 * hourMs,
  /** An identity that expired may renew by proof of its old key for this long. */
  renewableAfterExpiryMs: 180 * dayMs,
} as const;

/** A new intermediate signs from here on, so that what the old one signed ends before it does. */
export const intermediateOverlapMs = 120 * dayMs;
/** A listener's certificate is replaced this long before its end. */
export const listenerOverlapMs = 30 * dayMs;

/** Largest difference between signed_at_ms and the listener's clock. */
export const renewalSkewMs = 10 * 60_000;

/** Name in the gateway's certificate: fixed for the life of the installation, whatever its address. */
export const gatewayName = (installationId: string): string => `gateway.${installationId}.devflow.internal`;

/** Name in the enrolment listener's certificate. The same everywhere: who enrols knows no installation id, only the CA's fingerprint. */
export const enrolmentName = "enrol.devflow.internal";

/** What a certificate says about its holder. */
export interface CertifiedAgent {
  readonly installationId: string;
  readonly epoch: number;
  /** UUID; equals servers.id. */
  readonly agentId: string;
}

const uuid = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
const agentUriPattern = new RegExp(`^devflow://(${uuid})/(\\d{1,9})/(${uuid})$`);

/** Subject alternative name of an agent's certificate. */
export const agentUri = (agent: CertifiedAgent): string => `devflow://${agent.installationId}/${agent.epoch}/${agent.agentId}`;

/** Reads agentUri back; null when it is anything else. */
export function parseAgentUri(uri: string): CertifiedAgent | null {
  const match = agentUriPattern.exec(uri);
  return match === null ? null : { installationId: match[1] as string, epoch: Number(match[2]), agentId: match[3] as string };
}

/** Whether a certificate that ends at `notAfterMs` must be replaced now. */
export const replacementDue = (notAfterMs: number, overlapMs: number, nowMs: number): boolean => notAfterMs - nowMs < overlapMs;

export const sha256Hex = (bytes: Uint8Array | string): string => createHash("sha256").update(bytes).digest("hex");

/** Bytes signed by a new agent's key (proto/devflow/enrolment/v1). */
export const enrolmentProofBytes = (tokenSha256: string, publicKey: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from(`devflow-enrol-v1\0${tokenSha256}\0`), publicKey]);

/** Bytes signed by the new key of a renewal over Session. */
export const renewalProofBytes = (agentId: string, publicKey: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from(`devflow-renew-v1\0${agentId}\0`), publicKey]);

/** Bytes signed by both keys when an expired identity renews. */
export const expiredRenewalProofBytes = (agentId: string, signedAtMs: bigint, publicKey: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from(`devflow-renew-expired-v1\0${agentId}\0${signedAtMs}\0`), publicKey]);

/**
 * An agent's public key.
 * @param spki DER
 * @returns null when it is anything but an ECDSA P-256 key in its one canonical form, so that one key has one hash
 */
export function readAgentKey(spki: Uint8Array): KeyObject | null {
  if (spki.length !== 91) return null;
  try {
    const key = createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
    if (key.asymmetricKeyType !== "ec" || key.asymmetricKeyDetails?.namedCurve !== "prime256v1") return null;
    return key.export({ format: "der", type: "spki" }).equals(spki) ? key : null;
  } catch {
    return null; // not DER, or not on the curve
  }
}

/** Whether `signature` (ECDSA P-256, SHA-256, DER) over `bytes` was made by the holder of `key`. */
export function proves(key: KeyObject, bytes: Uint8Array, signature: Uint8Array): boolean {
  try {
    return verify("sha256", bytes, key, signature);
  } catch {
    return false; // not DER
  }
}
