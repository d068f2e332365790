import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "@devflow/errors";
import type { Config } from "../../config.ts";
import { readOrMakeKeyFile, writePublicFile } from "./key-file.ts";

/** Signs tasks; agents pin its public half when they enrol. */
export interface TaskSigningKey {
  /** Public half, SubjectPublicKeyInfo DER (RFC 8410), 44 bytes. */
  readonly publicSpki: Buffer;
  /** Ed25519 signature, 64 bytes. */
  sign(bytes: Uint8Array): Buffer;
}

/**
 * The key in `<dataDir>/keys/task-signing.pem`, made at the first start. It is never in the database, so that a stolen
 * copy of that gives no execution on any server. Throws AppError precondition_failed when the file is no Ed25519 key.
 */
export async function loadTaskSigningKey(config: Pick<Config, "dataDir">): Promise<TaskSigningKey> {
  const path = privateKeyPath(config);
  const pem = await readOrMakeKeyFile(
    path,
    () => generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }) as string,
  );
  const key = parse(path, "private key", () => createPrivateKey(pem));
  const publicKey = createPublicKey(key);
  await writePublicFile(publicKeyPath(config), publicKey.export({ type: "spki", format: "pem" }) as string);
  return {
    publicSpki: publicKey.export({ type: "spki", format: "der" }),
    sign: (bytes) => sign(null, bytes, key),
  };
}

/**
 * The public half, SubjectPublicKeyInfo DER, which agents are told. A process with the role signer makes it with the
 * key; any other reads `<dataDir>/keys/task-signing.pub.pem` and never opens the private file, which need not be there.
 * Throws AppError precondition_failed when the file is missing or no Ed25519 key.
 */
export async function taskSigningPublicKey(config: Pick<Config, "dataDir" | "roles">): Promise<Buffer> {
  if (config.roles.has("signer")) return (await loadTaskSigningKey(config)).publicSpki;
  const path = publicKeyPath(config);
  const pem = await readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
    throw new AppError(
      "precondition_failed",
      `${path} cannot be read (${cause.code}). It is the public half of the key that signs tasks: start the controller with the role signer once and copy the file of that name from its data folder.`,
      { cause },
    );
  });
  return parse(path, "public key", () => createPublicKey(pem)).export({ type: "spki", format: "der" });
}

export const privateKeyPath = (config: Pick<Config, "dataDir">): string => join(config.dataDir, "keys/task-signing.pem");
export const publicKeyPath = (config: Pick<Config, "dataDir">): string => join(config.dataDir, "keys/task-signing.pub.pem");

function parse(path: string, kind: string, read: () => KeyObject): KeyObject {
  try {
    const key = read();
    if (key.asymmetricKeyType === "ed25519") return key;
    throw new Error(`its type is ${key.asymmetricKeyType}`);
  } catch (cause) {
    throw new AppError(
      "precondition_failed",
      `${path} is not an Ed25519 ${kind} in PEM. Put the right file back; with a new key, servers have to be told to trust it.`,
      { cause },
    );
  }
}
