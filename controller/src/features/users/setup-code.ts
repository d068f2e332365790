import { createHash, randomBytes, randomUUID } from "node:crypto";
import { and, eq, gt } from "drizzle-orm";
import { hasUsers } from "../../platform/auth/index.ts";
import { verifications } from "../../platform/auth/schema.ts";
import type { Context } from "../../platform/context.ts";
import type { Database } from "../../platform/db/index.ts";

const identifier = "devflow.setup";
const validMs = 24 * 3_600_000;

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

/** Whether the first administrator is still to be made. */
export async function setupNeeded(ctx: Pick<Context, "db">): Promise<boolean> {
  return !(await hasUsers(ctx));
}

/**
 * A new one-time code for the first administrator, valid for 24 h; earlier codes end. Only its hash is stored.
 * Null when there is a user already.
 */
export async function createSetupCode({ ctx }: { ctx: Context }): Promise<string | null> {
  if (!(await setupNeeded(ctx))) return null;
  const code = randomBytes(24).toString("base64url");
  await ctx.db.transaction(async (tx) => {
    await tx.delete(verifications).where(eq(verifications.identifier, identifier));
    await tx
      .insert(verifications)
      .values({ id: randomUUID(), identifier, value: sha256(code), expiresAt: new Date(ctx.clock.now() + validMs) });
  });
  return code;
}

const validCode = (code: string, nowMs: number) =>
  and(eq(verifications.identifier, identifier), eq(verifications.value, sha256(code)), gt(verifications.expiresAt, new Date(nowMs)));

/** Whether a code would be taken now. */
export async function isSetupCode(ctx: Pick<Context, "db">, code: string, nowMs: number): Promise<boolean> {
  return (await ctx.db.select({ id: verifications.id }).from(verifications).where(validCode(code, nowMs))).length > 0;
}

/** Uses a code up. False when it is wrong, expired or was used before. Pass the transaction of what it allows. */
export async function consumeSetupCode(tx: Pick<Database, "delete">, code: string, nowMs: number): Promise<boolean> {
  const used = await tx.delete(verifications).where(validCode(code, nowMs)).returning({ id: verifications.id });
  return used.length > 0;
}
