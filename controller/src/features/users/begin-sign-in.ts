import { createHash } from "node:crypto";
import type { SignInRequest } from "@devflow/api";
import { AppError } from "@devflow/errors";
import { and, eq } from "drizzle-orm";
import type { Auth, Caller } from "../../platform/auth/index.ts";
import { accounts } from "../../platform/auth/schema.ts";
import type { Context } from "../../platform/context.ts";
import { seal, unseal } from "./sealed.ts";
import { beginSession, type Session } from "./sign-in.ts";
import { useRecoveryCode } from "./totp/recovery.ts";
import { hasTotp, useTotpCode } from "./totp/use-totp-code.ts";
import type { SecondFactor } from "@devflow/api";

const challengeMs = 5 * 60_000;
const purpose = "sign-in challenge";

interface Pending {
  readonly userId: string;
  /** Of the password that was right: another one meanwhile ends the challenge. */
  readonly password: string;
}

type By = { ctx: Context; auth: Auth };
type From = { readonly caller: Caller; readonly requestId: string };

/**
 * Checks e-mail and password: a session, or a challenge for whoever has a second factor. Throws AppError
 * unauthenticated, rate_limited, or forbidden for a user who was removed from every organisation.
 */
export async function signIn({ ctx, auth, input }: By & { input: SignInRequest & From }): Promise<Session | { challenge: string }> {
  const { userId } = await auth.checkPassword(input.email, input.password, input.caller);
  if (!(await hasTotp(ctx, userId))) return beginSession({ ctx, auth, input: { userId, by: "password", ...input } });
  const pending: Pending = { userId, password: await passwordMark(ctx, userId) };
  return { challenge: seal(ctx, purpose, pending, challengeMs) };
}

/** The second step. Throws AppError unauthenticated for a wrong, used or late code, rate_limited after five of them. */
export async function finishSignIn({ ctx, auth, input }: By & { input: SecondFactor & From }): Promise<Session> {
  const pending = unseal<Pending>(ctx, purpose, input.challenge);
  if (pending === null || pending.password !== (await passwordMark(ctx, pending.userId))) {
    throw new AppError("unauthenticated", "This sign-in took longer than five minutes; begin again with e-mail and password");
  }
  const { userId } = pending;
  const byCode = input.method === "totp";
  await auth.attempt(`totp:${userId}`, input.caller, async () => {
    const right = await (byCode ? useTotpCode(ctx, userId, input.code) : useRecoveryCode(ctx, userId, input.code));
    if (!right)
      throw new AppError(
        "unauthenticated",
        byCode ? "This code is wrong or was used already" : "This recovery code is wrong or was used already",
      );
  });
  return beginSession({ ctx, auth, input: { userId, by: byCode ? "password and code" : "password and recovery code", ...input } });
}

async function passwordMark(ctx: Context, userId: string): Promise<string> {
  const [account] = await ctx.db
    .select({ hash: accounts.password })
    .from(accounts)
    .where(and(eq(accounts.userId, userId), eq(accounts.providerId, "credential")));
  return createHash("sha256")
    .update(account?.hash ?? "")
    .digest("base64url");
}
