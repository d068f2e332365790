import { and, eq, isNotNull, lt } from "drizzle-orm";
import type { Context } from "../../../platform/context.ts";
import { totpFactors } from "../schema.ts";
import { stepOf } from "./code.ts";

export const sealName = (userId: string) => `totp:${userId}`;

/** Whether somebody's authenticator is asked for at the sign-in. */
export async function hasTotp(ctx: Pick<Context, "db">, userId: string): Promise<boolean> {
  const enabled = and(eq(totpFactors.userId, userId), isNotNull(totpFactors.enabledAt));
  return (await ctx.db.select({ userId: totpFactors.userId }).from(totpFactors).where(enabled)).length > 0;
}

/**
 * Takes a code of somebody's authenticator, once: of two requests with the same code one is right. Call within
 * auth.attempt(). @param enabled false: while it is being set up
 */
export async function useTotpCode(ctx: Context, userId: string, code: string, enabled = true): Promise<boolean> {
  const [factor] = await ctx.db.select().from(totpFactors).where(eq(totpFactors.userId, userId));
  if (factor === undefined || (factor.enabledAt !== null) !== enabled) return false;
  const step = stepOf(ctx.masterKey.unwrap(sealName(userId), factor.sealed), code, ctx.clock.now(), factor.lastStep);
  if (step === null) return false;
  const taken = await ctx.db
    .update(totpFactors)
    .set({ lastStep: step })
    .where(and(eq(totpFactors.userId, userId), lt(totpFactors.lastStep, step)))
    .returning({ userId: totpFactors.userId });
  return taken.length > 0;
}
