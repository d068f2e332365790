import { createPublicKey, verify, X509Certificate, type KeyObject } from "node:crypto";
import { join } from "node:path";
import type { Welcome } from "@devflow/proto/session/v1/session";
import { readTaskKey } from "../state/task-key.ts";
import { writeFileAtomic } from "../state/write-atomic.ts";

/** What Welcome may change about whom this agent believes, and what it may not. Pure; the files are written below. */

/**
 * The CA bundle to use from now on, or null to keep the current one. A bundle without any certificate that is trusted
 * today is not taken: a replacement of the CA always overlaps.
 */
export function nextCaBundle(currentPem: string, offered: readonly string[]): { pem: string | null; refused: string | null } {
  if (offered.length === 0) return { pem: null, refused: null };
  let now: Set<string>;
  let next: X509Certificate[];
  try {
    now = new Set(splitPem(currentPem).map((pem) => new X509Certificate(pem).fingerprint256));
    next = offered.flatMap(splitPem).map((pem) => new X509Certificate(pem));
  } catch (error) {
    return { pem: null, refused: `the offered CA bundle cannot be read: ${(error as Error).message}` };
  }
  if (next.length === 0 || next.length > 16) return { pem: null, refused: `expected 1 to 16 CA certificates, found ${next.length}` };
  if (next.some((certificate) => !certificate.ca)) return { pem: null, refused: "the offered bundle holds a certificate that is not a CA" };
  const names = new Set(next.map((certificate) => certificate.fingerprint256));
  if (![...names].some((name) => now.has(name)))
    return { pem: null, refused: "the offered bundle has no certificate in common with the trusted one" };
  if (names.size === now.size && [...names].every((name) => now.has(name))) return { pem: null, refused: null };
  return { pem: next.map((certificate) => certificate.toString().trim()).join("\n") + "\n", refused: null };
}

const splitPem = (pem: string): string[] => pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];

/** The task-signing key to pin, or null to keep the pinned one: only the old key can introduce a new one. */
export function nextTaskKey(
  pinned: KeyObject | null,
  offered: Pick<Welcome, "taskSigningKey" | "taskSigningKeySignature">,
): { pem: string | null; refused: string | null } {
  if (offered.taskSigningKey.length === 0) return { pem: null, refused: null };
  if (pinned === null)
    return {
      pem: null,
      refused: "no task-signing key was pinned at enrolment, and one that comes later is not believed; enrol this machine again",
    };
  if (pinned.export({ type: "spki", format: "der" }).equals(offered.taskSigningKey)) return { pem: null, refused: null };
  const untrue =
    "the controller shows another task-signing key than the pinned one, without the old key's signature; tasks by it will be refused";
  try {
    const key = createPublicKey({ key: Buffer.from(offered.taskSigningKey), format: "der", type: "spki" });
    if (key.asymmetricKeyType !== "ed25519" || !verify(null, offered.taskSigningKey, pinned, offered.taskSigningKeySignature))
      return { pem: null, refused: untrue };
    return { pem: key.export({ type: "spki", format: "pem" }) as string, refused: null };
  } catch {
    return { pem: null, refused: untrue }; // not a key at all
  }
}

/** Applies both rules to a Welcome. Returns what was refused, in words. */
export async function applyTrust(stateDir: string, caPem: string, welcome: Welcome): Promise<{ caPem: string; refused: string[] }> {
  const ca = nextCaBundle(caPem, welcome.caPem);
  if (ca.pem !== null) await writeFileAtomic(join(stateDir, "ca.pem"), ca.pem, { mode: 0o644, sync: true });
  const key = nextTaskKey(await readTaskKey(stateDir), welcome);
  if (key.pem !== null) await writeFileAtomic(join(stateDir, "task-signing.pub"), key.pem, { mode: 0o644, sync: true });
  return { caPem: ca.pem ?? caPem, refused: [ca.refused, key.refused].filter((reason) => reason !== null) };
}
