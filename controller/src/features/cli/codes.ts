import { createHmac, randomBytes, randomInt } from "node:crypto";
import type { MasterKey } from "../../platform/crypto/index.ts";

/** Consonants that neither look like another letter nor make words (RFC 8628, 6.1). */
const letters = "BCDFGHJKLMNPQRSTVWXZ";
const wellFormed = new RegExp(`^[${letters}]{8}$`);

/** "BCDF-GHJK": 8 letters of 20, 34 bits. */
export function newUserCode(): string {
  const code = Array.from({ length: 8 }, () => letters[randomInt(letters.length)]).join("");
  return `${code.slice(0, 4)}-${code.slice(4)}`;
}

/** 256 random bits. */
export const newDeviceCode = (): string => randomBytes(32).toString("base64url");

/** A user code as newUserCode writes it, from what somebody typed; null when it cannot be one. */
export function readUserCode(typed: string): string | null {
  const code = typed.toUpperCase().replaceAll(/[\s-]/g, "");
  return wellFormed.test(code) ? `${code.slice(0, 4)}-${code.slice(4)}` : null;
}

/** What is stored of a code. A copy of the database gives neither the codes nor a way to try them out. */
export const codeHash = (masterKey: MasterKey, kind: "user" | "device", code: string): string =>
  createHmac("sha256", masterKey.derive("cli-logins")).update(`${kind}:${code}`).digest("hex");
