import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { lt } from "drizzle-orm";
import { verifications } from "../../../platform/auth/schema.ts";
import type { Context } from "../../../platform/context.ts";

const validMs = 5 * 60_000;
const randomLength = 16;
const untilLength = 6;

const macOf = (ctx: Pick<Context, "masterKey">, purpose: string, body: Uint8Array) =>
  createHmac("sha256", ctx.masterKey.derive("passkey challenges")).update(`${purpose}|`).update(body).digest();

/**
 * Something fresh for an authenticator to sign: random bytes, an end, and our mark over both and the purpose. Strangers
 * ask for these at the sign-in, so nothing is stored until one is answered rightly.
 */
export function newChallenge(ctx: Pick<Context, "masterKey" | "clock">, purpose: string): Uint8Array<ArrayBuffer> {
  const until = Buffer.alloc(untilLength);
  until.writeUIntBE(ctx.clock.now() + validMs, 0, untilLength);
  const body = Buffer.concat([randomBytes(randomLength), until]);
  return new Uint8Array(Buffer.concat([body, macOf(ctx, purpose, body)]));
}

/** Whether a challenge (base64url) is ours, for this purpose, and not over. */
export function isOwnChallenge(ctx: Pick<Context, "masterKey" | "clock">, purpose: string, challenge: string): boolean {
  const bytes = Buffer.from(challenge, "base64url");
  const body = bytes.subarray(0, randomLength + untilLength);
  const mac = macOf(ctx, purpose, body);
  const given = bytes.subarray(body.length);
  if (given.length !== mac.length || !timingSafeEqual(given, mac)) return false;
  return body.readUIntBE(randomLength, untilLength) > ctx.clock.now();
}

/** Uses a challenge up; false when an answer to it was taken before. */
export async function useChallenge(ctx: Pick<Context, "db" | "clock">, challenge: string): Promise<boolean> {
  const now = ctx.clock.now();
  await ctx.db.delete(verifications).where(lt(verifications.expiresAt, new Date(now - validMs)));
  const used = await ctx.db
    .insert(verifications)
    .values({ id: `passkey:${challenge}`, identifier: "passkey-challenge", value: "", expiresAt: new Date(now + validMs) })
    .onConflictDoNothing()
    .returning({ id: verifications.id });
  return used.length > 0;
}
