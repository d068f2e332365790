import { createPrivateKey, createPublicKey, X509Certificate } from "node:crypto";
import { mkdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "@devflow/errors";
import { syncFolder, writeFileAtomic } from "./write-atomic.ts";

/**
 * The agent's key and certificate. Current: key.pem (mode 600) and cert.pem. Renewed but not yet proven by a
 * connection: next/key.pem and next/cert.pem. A crash between the renames of a promotion leaves a key and a certificate
 * in different folders; loading pairs them by public key, so that no moment of a swap loses the identity.
 */
export interface Credentials {
  /** PKCS #8 PEM. */
  readonly keyPem: string;
  /** Leaf first, then intermediates. */
  readonly certificatePem: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** True: from next/, to be promoted once it has connected. */
  readonly staged: boolean;
}

const readOrNull = async (path: string): Promise<string | null> => {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw new AppError("internal", `${path} cannot be read: ${(cause as Error).message}`, { cause });
  }
};

/** Pairs a key and a certificate; null when they do not belong together or one cannot be parsed. */
export function pair(keyPem: string, certificatePem: string, staged: boolean): Credentials | null {
  try {
    const certificate = new X509Certificate(certificatePem);
    if (!certificate.publicKey.equals(createPublicKey(createPrivateKey(keyPem)))) return null;
    return {
      keyPem,
      certificatePem,
      notBeforeMs: certificate.validFromDate.getTime(),
      notAfterMs: certificate.validToDate.getTime(),
      staged,
    };
  } catch {
    return null; // damaged PEM: the caller says which files it looked at
  }
}

/** All usable pairs, newest first. Throws AppError invalid when there is none. */
export async function loadCredentials(stateDir: string): Promise<Credentials[]> {
  const folders = [join(stateDir, "next"), stateDir];
  const keys = await Promise.all(folders.map((folder) => readOrNull(join(folder, "key.pem"))));
  const certificates = await Promise.all(folders.map((folder) => readOrNull(join(folder, "cert.pem"))));
  const found: Credentials[] = [];
  for (const [c, certificatePem] of certificates.entries()) {
    for (const [k, keyPem] of keys.entries()) {
      if (certificatePem === null || keyPem === null) continue;
      const credentials = pair(keyPem, certificatePem, c === 0 || k === 0);
      if (credentials) found.push(credentials);
    }
  }
  if (found.length === 0) {
    throw new AppError(
      "invalid",
      `No certificate with its key in ${stateDir}: expected key.pem and cert.pem that belong together; enrol this machine again`,
    );
  }
  return found;
}

/** Puts a new pair beside the current one. Throws AppError invalid when they do not belong together. */
export async function stageCredentials(stateDir: string, keyPem: string, certificatePem: string): Promise<Credentials> {
  const credentials = pair(keyPem, certificatePem, true);
  if (!credentials) throw new AppError("invalid", "The new certificate is not for the key that was sent; the old one stays in use");
  const building = join(stateDir, "next.new");
  await rm(building, { recursive: true, force: true });
  await mkdir(building, { mode: 0o700 });
  await writeFileAtomic(join(building, "key.pem"), keyPem, { sync: true });
  await writeFileAtomic(join(building, "cert.pem"), certificatePem, { mode: 0o644, sync: true });
  await rm(join(stateDir, "next"), { recursive: true, force: true });
  await rename(building, join(stateDir, "next"));
  await syncFolder(stateDir);
  return credentials;
}

/** Makes the staged pair the current one; called once it has connected. Finishes what a crash interrupted. */
export async function promoteCredentials(stateDir: string): Promise<void> {
  const next = join(stateDir, "next");
  for (const name of ["key.pem", "cert.pem"]) {
    await rename(join(next, name), join(stateDir, name)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error; // already moved before a crash
    });
  }
  await rm(next, { recursive: true, force: true });
  await syncFolder(stateDir);
}

/** The audit checkpoints that this identity was given; of the identity before, they are kept aside. */
export const checkpointsFile = "audit-checkpoints.ndjson";
export const earlierCheckpointsFile = "audit-checkpoints.earlier.ndjson";

/**
 * Writes the first pair of a new identity: key.pem (mode 600), cert.pem, ca.pem, task-signing.pub (SPKI PEM). It may be
 * of another organisation, so it begins without audit checkpoints.
 */
export async function writeFirstCredentials(
  stateDir: string,
  files: { keyPem: string; certificatePem: string; caPem: string; taskSigningPem: string },
): Promise<void> {
  if (!pair(files.keyPem, files.certificatePem, false))
    throw new AppError("invalid", "The certificate that came is not for the key that was sent");
  await rm(join(stateDir, "next"), { recursive: true, force: true });
  await rename(join(stateDir, checkpointsFile), join(stateDir, earlierCheckpointsFile)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error; // none was given yet
  });
  await writeFileAtomic(join(stateDir, "key.pem"), files.keyPem, { sync: true });
  await writeFileAtomic(join(stateDir, "cert.pem"), files.certificatePem, { mode: 0o644, sync: true });
  await writeFileAtomic(join(stateDir, "ca.pem"), files.caPem, { mode: 0o644, sync: true });
  await writeFileAtomic(join(stateDir, "task-signing.pub"), files.taskSigningPem, { mode: 0o644, sync: true });
}
