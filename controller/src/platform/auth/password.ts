import { argon2, randomBytes, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";

/** OWASP's first choice for Argon2id where memory counts (Password Storage Cheat Sheet): 19 MiB, 2 passes, 1 lane. */
const cost = { memory: 19_456, passes: 2, parallelism: 1 } as const;
const saltBytes = 16;
const tagBytes = 32;
const prefix = `$argon2id$v=19$m=${cost.memory},t=${cost.passes},p=${cost.parallelism}$`;

const derive = promisify(argon2);

/** Argon2id of a password as a PHC string: `$argon2id$v=19$m=…,t=…,p=…$SALT$TAG`, base64 without padding. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(saltBytes);
  return `${prefix}${unpadded(salt)}$${unpadded(await tagOf(password, salt))}`;
}

/** Whether `hash` (of hashPassword) is of `password`; false for anything that hashPassword did not make. */
export async function verifyPassword({ hash, password }: { hash: string; password: string }): Promise<boolean> {
  if (!hash.startsWith(prefix)) return false;
  const [salt, tag] = hash
    .slice(prefix.length)
    .split("$")
    .map((part) => Buffer.from(part, "base64"));
  if (salt?.length !== saltBytes || tag?.length !== tagBytes) return false;
  return timingSafeEqual(await tagOf(password, salt), tag);
}

// NFKC, so that a password typed as composed or as decomposed characters is the same (RFC 8265).
const tagOf = (password: string, nonce: Buffer): Promise<Buffer> =>
  derive("argon2id", { message: password.normalize("NFKC"), nonce, tagLength: tagBytes, ...cost });

const unpadded = (bytes: Buffer): string => bytes.toString("base64").replaceAll("=", "");
