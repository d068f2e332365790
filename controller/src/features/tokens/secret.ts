import { createHash, randomBytes } from "node:crypto";
import { crc32 } from "node:zlib";

const marker = "devflow_api_";
const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/** 62^43 is a little more than 2^256. */
const randomLength = 43;
const checksumLength = 6;

/** @param length exactly so many signs; 62^length must be more than value */
function base62(value: number, length: number): string {
  let text = "";
  for (let rest = value; text.length < length; rest = Math.floor(rest / 62)) text = alphabet[rest % 62]! + text;
  return text;
}

/** Evenly distributed signs of the alphabet: bytes beyond its last whole multiple are thrown away. */
function randomText(length: number): string {
  let text = "";
  while (text.length < length) {
    for (const byte of randomBytes(length)) if (byte < 248 && text.length < length) text += alphabet[byte % 62]!;
  }
  return text;
}

/** CRC-32 of all before it, so that scanners and we know a token from a text that looks like one. */
const checksum = (text: string): string => base62(crc32(text), checksumLength);

/** A new API token: 256 random bits behind a prefix that people and secret scanners recognise, and a checksum. */
export function newTokenSecret(): string {
  const text = marker + randomText(randomLength);
  return text + checksum(text);
}

/** Whether it begins like a token of ours and is none: mistyped, cut off or guessed. No look-up is needed for it. */
export function isMistyped(secret: string): boolean {
  if (!secret.startsWith(marker)) return false;
  const text = secret.slice(0, marker.length + randomLength);
  return secret !== text + checksum(text);
}

/** SHA-256, hexadecimal; enough for a secret of 256 random bits. */
export const tokenHash = (secret: string): string => createHash("sha256").update(secret).digest("hex");

/** The first characters, by which a person finds the token again. */
export const tokenPrefix = (secret: string): string => secret.slice(0, secret.startsWith(marker) ? 18 : 4);
