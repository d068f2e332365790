import type { Factors } from "@devflow/api";
import { AppError } from "@devflow/errors";
import { and, asc, count, eq, isNotNull, ne, or } from "drizzle-orm";
import type { Principal } from "../../platform/auth/index.ts";
import { accounts } from "../../platform/auth/schema.ts";
import type { Context } from "../../platform/context.ts";
import { personOf } from "./person.ts";
import { passkeys, recoveryCodes } from "./schema.ts";
import { hasTotp } from "./totp/use-totp-code.ts";

export async function hasPassword(ctx: Pick<Context, "db">, userId: string): Promise<boolean> {
  const condition = and(eq(accounts.userId, userId), eq(accounts.providerId, "credential"), isNotNull(accounts.password));
  return (await ctx.db.select({ id: accounts.id }).from(accounts).where(condition)).length > 0;
}

/** Keeps people from locking themselves out. Throws AppError conflict when neither password, passkey nor linked account is left. */
export async function demandOtherWayIn(tx: Pick<Context["db"], "select">, userId: string): Promise<void> {
  const [account] = await tx
    .select({ id: accounts.id })
    .from(accounts)
    .where(and(eq(accounts.userId, userId), or(ne(accounts.providerId, "credential"), isNotNull(accounts.password))))
    .limit(1);
  const [key] = await tx.select({ id: passkeys.id }).from(passkeys).where(eq(passkeys.userId, userId)).limit(1);
  if (account === undefined && key === undefined)
    throw new AppError("conflict", "This is the only way into your account; set a password or add a passkey first");
}

/** By what the person who asks can prove who they are. Throws AppError forbidden for API tokens. */
export async function readFactors({ ctx, principal }: { ctx: Context; principal: Principal }): Promise<Factors> {
  const { id } = await personOf(ctx, principal);
  const keys = await ctx.db.select().from(passkeys).where(eq(passkeys.userId, id)).orderBy(asc(passkeys.createdAt));
  const [left] = await ctx.db.select({ count: count() }).from(recoveryCodes).where(eq(recoveryCodes.userId, id));
  const linked = await ctx.db
    .select()
    .from(accounts)
    .where(and(eq(accounts.userId, id), ne(accounts.providerId, "credential")));
  return {
    hasPassword: await hasPassword(ctx, id),
    totp: await hasTotp(ctx, id),
    recoveryCodesLeft: left?.count ?? 0,
    passkeys: keys.map(toPasskey),
    linked: linked.map((account) => ({
      id: account.id,
      provider: account.providerId.replace(/^oidc:/, ""),
      createdAt: account.createdAt.toISOString(),
    })),
  };
}

export const toPasskey = (key: typeof passkeys.$inferSelect) => ({
  id: key.id,
  name: key.name,
  createdAt: key.createdAt.toISOString(),
  lastUsedAt: key.lastUsedAt?.toISOString() ?? null,
  synced: key.backedUp,
});
