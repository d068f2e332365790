import { createHmac, randomInt } from "node:crypto";
import { and, eq } from "drizzle-orm";
import type { Context } from "../../../platform/context.ts";
import { lastingKey } from "../../../platform/crypto/index.ts";
import type { Database } from "../../../platform/db/index.ts";
import { recoveryCodes } from "../schema.ts";

const count = 10;
/** Without i, l, o and u, which are mistaken for others (Crockford's base 32). */
const letters = "0123456789abcdefghjkmnpqrstvwxyz";

/** "k3x9q-7m2tw": 50 bits. */
const newCode = () =>
  Array.from({ length: 10 }, () => letters[randomInt(letters.length)])
    .join("")
    .replace(/^.{5}/, "$&-");

function hashOf(key: Uint8Array, userId: string, code: string): string {
  const plain = code
    .toLowerCase()
    .replaceAll(/[^0-9a-z]/g, "")
    .replaceAll(/[il]/g, "1")
    .replaceAll("o", "0");
  return createHmac("sha256", key).update(`${userId}:${plain}`).digest("hex");
}

/** Makes ten new codes in place of the old ones; the only time that they can be seen. */
export async function replaceRecoveryCodes(
  tx: Pick<Database, "select" | "insert" | "delete">,
  ctx: Pick<Context, "masterKey">,
  userId: string,
): Promise<string[]> {
  const codes = Array.from({ length: count }, newCode);
  const hashKey = await lastingKey({ db: tx, masterKey: ctx.masterKey }, "recovery codes");
  await tx.delete(recoveryCodes).where(eq(recoveryCodes.userId, userId));
  await tx.insert(recoveryCodes).values(codes.map((code) => ({ userId, hash: hashOf(hashKey, userId, code) })));
  return codes;
}

/** Uses a code up; false when it is none of this user's. Call within auth.attempt(). */
export async function useRecoveryCode(ctx: Context, userId: string, code: string): Promise<boolean> {
  const hashKey = await lastingKey(ctx, "recovery codes");
  const used = await ctx.db
    .delete(recoveryCodes)
    .where(and(eq(recoveryCodes.userId, userId), eq(recoveryCodes.hash, hashOf(hashKey, userId, code))))
    .returning({ userId: recoveryCodes.userId });
  return used.length > 0;
}
