import { createHmac, timingSafeEqual } from "node:crypto";

export const stepSeconds = 30;

/** The six figures of a step (RFC 6238 with SHA-1, RFC 4226 section 5.3): what every authenticator app computes. */
export function codeOf(secret: Uint8Array, step: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac("sha1", secret).update(counter).digest();
  const offset = mac[19]! & 15;
  return String((mac.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

/**
 * The step that a code is of: the present one, the one before or the next, since clocks differ (RFC 6238 section 5.2);
 * null when it is of none of them, or of one that is not later than `lastStep`.
 */
export function stepOf(secret: Uint8Array, code: string, nowMs: number, lastStep: number): number | null {
  const given = Buffer.from(code.replaceAll(/\s/g, ""));
  if (given.length !== 6) return null;
  const now = Math.floor(nowMs / 1000 / stepSeconds);
  for (const step of [now, now - 1, now + 1]) {
    if (step > lastStep && timingSafeEqual(Buffer.from(codeOf(secret, step)), given)) return step;
  }
  return null;
}
