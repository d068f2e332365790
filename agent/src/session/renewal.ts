import { generateKeyPair, sign } from "node:crypto";
import { promisify } from "node:util";
import type { Credentials } from "../state/credentials.ts";

/** When a certificate is due: at two thirds of its lifetime, settled milliseconds. */
export const renewalDueMs = ({ notBeforeMs, notAfterMs }: Pick<Credentials, "notBeforeMs" | "notAfterMs">): number =>
  notBeforeMs + ((notAfterMs - notBeforeMs) * 2) / 3;

export interface RenewalRequest {
  /** PKCS #8 PEM of the new key; stays here. */
  readonly keyPem: string;
  /** SPKI DER. */
  readonly publicKey: Uint8Array;
  readonly proof: Uint8Array;
}

/** A new ECDSA P-256 key with the proof that proto/devflow/session/v1 asks for. */
export async function makeRenewal(agentId: string): Promise<RenewalRequest> {
  const { privateKey, publicKey } = await promisify(generateKeyPair)("ec", { namedCurve: "P-256" });
  const spki = publicKey.export({ type: "spki", format: "der" });
  return {
    keyPem: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
    publicKey: spki,
    proof: sign("sha256", Buffer.concat([Buffer.from(`devflow-renew-v1\0${agentId}\0`), spki]), privateKey),
  };
}
