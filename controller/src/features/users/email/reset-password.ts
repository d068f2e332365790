import { AppError } from "@devflow/errors";
import { and, eq, ne } from "drizzle-orm";
import type { Auth, Caller } from "../../../platform/auth/index.ts";
import { accounts, users } from "../../../platform/auth/schema.ts";
import type { Context } from "../../../platform/context.ts";
import type { Database } from "../../../platform/db/index.ts";
import { isMailSet, queueMail, renderMail } from "../../../platform/mail/index.ts";
import { revokeTokensOf } from "../revoke-tokens-of.ts";
import { linkBase } from "../link-base.ts";
import { checkNewPassword } from "../passwords/check-new-password.ts";
import { storePassword } from "../passwords/store-password.ts";
import { passkeys, recoveryCodes, totpFactors } from "../schema.ts";
import { tellOfChange } from "../tell-of-change.ts";
import { makeOneTime, takeOneTime } from "./one-time.ts";
import { selfPrincipal } from "./self-principal.ts";

const validMs = 3_600_000;

/**
 * Sends a link to whoever has that address. Whether somebody has it is told by nothing: the answer is the same and does
 * not wait for the look-up. Throws AppError conflict while no mail is set.
 */
export async function requestPasswordReset({ ctx, input: { email } }: { ctx: Context; input: { email: string } }): Promise<void> {
  if (!(await isMailSet(ctx))) throw new AppError("conflict", "DevFlow sends no mail here; ask an administrator for a new password");
  setImmediate(() => {
    sendResetLink(ctx, email.toLowerCase()).catch((error: unknown) =>
      ctx.log.error({ scope: "users", err: error }, "a link to reset a password could not be sent"),
    );
  });
}

async function sendResetLink(ctx: Context, email: string): Promise<void> {
  const [user] = await ctx.db.select().from(users).where(eq(users.email, email));
  if (user === undefined || user.disabledAt !== null) return;
  await ctx.db.transaction(async (tx) => {
    const token = await makeOneTime(tx, ctx, "password-reset", { userId: user.id, value: email, validMs });
    const subject = "Reset your DevFlow password";
    const mail = renderMail({
      title: subject,
      paragraphs: [`Somebody, hopefully you, asked for a new password of ${email}. The link works once and for an hour.`],
      // Behind "#", so that no proxy's log holds it.
      action: { label: "Choose a new password", url: `${linkBase(ctx)}/reset-password#${token}` },
      footer: "If it was not you, do nothing: your password stays as it is.",
    });
    await queueMail(tx, ctx, { to: email, subject, ...mail }, validMs);
  });
  ctx.bus.emit("mail.queued", {});
}

/**
 * Sets a new password by the link of a mail; all sessions and API tokens of the user end. Throws AppError forbidden for
 * a wrong, used or late link, invalid for a weak password (the link stays good).
 */
export async function completePasswordReset({
  ctx,
  auth,
  input: { token, password, caller, requestId },
}: {
  ctx: Context;
  auth: Auth;
  input: { token: string; password: string; caller: Caller; requestId: string };
}): Promise<void> {
  const userId = await ctx.db.transaction(async (tx) => {
    const taken = await takeOneTime(tx, ctx, "password-reset", token);
    const [user] = taken === null ? [] : await tx.select().from(users).where(eq(users.id, taken.userId));
    // A link that went to an address which is no longer the user's is of no use.
    if (taken === null || user === undefined || user.email !== taken.value)
      throw new AppError("forbidden", "This link is wrong, older than an hour, or was used already; ask for a new one");
    await checkNewPassword({ ctx, input: { password, field: "password", person: user } });
    await storePassword(tx, ctx, user.id, await auth.hashPassword(password));
    if (!user.emailVerified) await takeOver(tx, user.id);
    const revokedTokens = await revokeTokensOf(tx, ctx, user.id);
    await tellOfChange(tx, ctx, await selfPrincipal(tx, ctx, user, { caller, requestId }), user, {
      action: "users.reset-password",
      event: { type: "user.password-changed", data: {} },
      after: { revokedTokens },
      notice: "Your password was reset",
    });
    return user.id;
  });
  ctx.bus.emit("principal.revoked", { kind: "user", id: userId });
  ctx.bus.emit("mail.queued", {});
}

/**
 * Whoever reads the mail of an address has proved that it is theirs. Somebody else may have made the account before and
 * left ways in: they go.
 */
async function takeOver(tx: Pick<Database, "update" | "delete">, userId: string): Promise<void> {
  await tx.update(users).set({ emailVerified: true }).where(eq(users.id, userId));
  await tx.delete(accounts).where(and(eq(accounts.userId, userId), ne(accounts.providerId, "credential")));
  for (const factor of [passkeys, totpFactors, recoveryCodes]) await tx.delete(factor).where(eq(factor.userId, userId));
}
