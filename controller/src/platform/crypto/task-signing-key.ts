import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import { join } from "node:path";
import { AppError } from "@devflow/errors";
import type { Config } from "../../config.ts";
import { readOrMakeKeyFile } from "./key-file.ts";

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
  const path = join(config.dataDir, "keys/task-signing.pem");
  const pem = await readOrMakeKeyFile(
    path,
    () => generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }) as string,
  );
  const key = parse(pem, path);
  return {
    publicSpki: createPublicKey(key).export({ type: "spki", format: "der" }),
    sign: (bytes) => sign(null, bytes, key),
  };
}

function parse(pem: string, path: string): ReturnType<typeof createPrivateKey> {
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === "ed25519") return key;
    throw new Error(`its type is ${key.asymmetricKeyType}`);
  } catch (cause) {
    throw new AppError(
      "precondition_failed",
      `${path} is not an Ed25519 private key in PEM. Put the right file back; with a new key, servers have to be told to trust it.`,
      { cause },
    );
  }
}
