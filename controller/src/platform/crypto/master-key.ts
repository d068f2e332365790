import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import { join } from "node:path";
import { AppError } from "@devflow/errors";
import type { Config } from "../../config.ts";
import { readOrMakeKeyFile } from "./key-file.ts";

/** Wraps small secrets (keys, tokens of other services) for the database; AES-256-GCM. */
export interface MasterKey {
  /** @param name associated data: what is wrapped can be unwrapped under the same name only */
  wrap(name: string, plaintext: Uint8Array): Buffer;
  /** Throws AppError internal when the key or the name is another one or the bytes were changed. */
  unwrap(name: string, wrapped: Uint8Array): Buffer;
  /** 32 bytes that are always the same for this key and purpose (HKDF-SHA256); signs session cookies, for example. */
  derive(purpose: string): Buffer;
}

const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;

/**
 * The master key: DEVFLOW_SECRET_KEY, or with the embedded database `<dataDir>/keys/master.key`, made at the first
 * start. Throws AppError precondition_failed when an external database comes without a key, or the key is not 32
 * bytes of base64.
 */
export async function loadMasterKey(config: Pick<Config, "dataDir" | "databaseUrl" | "secretKey">): Promise<MasterKey> {
  if (config.secretKey !== null) return createMasterKey(parseKey(config.secretKey, "DEVFLOW_SECRET_KEY"));
  if (config.databaseUrl !== null) {
    throw new AppError(
      "precondition_failed",
      "DATABASE_URL is set and DEVFLOW_SECRET_KEY is not: secrets in that database need a key that is kept outside it. Make one with: openssl rand -base64 32",
    );
  }
  return readKeyFile(masterKeyPath(config));
}

export const masterKeyPath = (config: Pick<Config, "dataDir">): string => join(config.dataDir, "keys/master.key");

/** Where the next master key lies until the database is changed to it. */
export const nextMasterKeyPath = (config: Pick<Config, "dataDir">): string => `${masterKeyPath(config)}.new`;

/** The master key that the installation changes to: DEVFLOW_NEW_SECRET_KEY where the present one is a setting, else a new file. */
export async function loadNextMasterKey(config: Pick<Config, "dataDir" | "secretKey" | "newSecretKey">): Promise<MasterKey> {
  if (config.secretKey === null) return readKeyFile(nextMasterKeyPath(config));
  if (config.newSecretKey === null) {
    throw new AppError(
      "precondition_failed",
      "DEVFLOW_SECRET_KEY is the key until now; give the next one as DEVFLOW_NEW_SECRET_KEY. Make one with: openssl rand -base64 32",
    );
  }
  if (config.newSecretKey === config.secretKey)
    throw new AppError("precondition_failed", "DEVFLOW_NEW_SECRET_KEY is the same key as DEVFLOW_SECRET_KEY; give another one");
  return createMasterKey(parseKey(config.newSecretKey, "DEVFLOW_NEW_SECRET_KEY"));
}

/** The key in a file, which is made when there is none. */
async function readKeyFile(path: string): Promise<MasterKey> {
  return createMasterKey(parseKey(await readOrMakeKeyFile(path, () => `${randomBytes(keyBytes).toString("base64")}\n`), path));
}

function parseKey(text: string, source: string): Buffer {
  const trimmed = text.trim();
  const key = Buffer.from(trimmed, "base64");
  if (key.length !== keyBytes || key.toString("base64") !== trimmed) {
    throw new AppError(
      "precondition_failed",
      `${source} must be 32 random bytes as base64 (44 characters), for example from: openssl rand -base64 32`,
    );
  }
  if (key.every((byte) => byte === key[0]))
    throw new AppError("precondition_failed", `${source} is one byte repeated, not a key. Make one with: openssl rand -base64 32`);
  return key;
}

/**
 * AES-256-GCM under `key` (32 bytes). Wrapped form: nonce (12 bytes), ciphertext, tag (16 bytes).
 * Nonces are random: safe for 2^32 wraps, and what is wrapped here are keys, a few a server at most.
 */
export function createMasterKey(key: Uint8Array): MasterKey {
  return {
    wrap(name, plaintext) {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(name));
      return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
    },
    unwrap(name, wrapped) {
      try {
        const body = wrapped.subarray(nonceBytes, wrapped.length - tagBytes);
        const decipher = createDecipheriv("aes-256-gcm", key, wrapped.subarray(0, nonceBytes), { authTagLength: tagBytes })
          .setAAD(Buffer.from(name))
          .setAuthTag(wrapped.subarray(wrapped.length - tagBytes));
        return Buffer.concat([decipher.update(body), decipher.final()]);
      } catch (cause) {
        throw new AppError(
          "internal",
          `The secret "${name}" cannot be opened: it was wrapped under another master key, or changed. Start with the key that this database was made with.`,
          { cause },
        );
      }
    },
    derive: (purpose) => Buffer.from(hkdfSync("sha256", key, "", purpose, keyBytes)),
  };
}
