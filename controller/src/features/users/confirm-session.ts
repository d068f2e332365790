import type { ConfirmSession } from "@devflow/api";
import { AppError } from "@devflow/errors";
import { and, eq } from "drizzle-orm";
import { writeAudit } from "../../platform/audit/index.ts";
import type { Auth, Caller, Identity, Principal } from "../../platform/auth/index.ts";
import { sessions } from "../../platform/auth/schema.ts";
import type { Context } from "../../platform/context.ts";
import { checkPasskey, passkeyRequest } from "./passkeys/check-passkey.ts";
import { personOf } from "./person.ts";
import { passkeys } from "./schema.ts";
import { useTotpCode } from "./totp/use-totp-code.ts";

interface By {
  ctx: Context;
  principal: Principal;
  identity: Identity;
}

/** What an authenticator is to sign to confirm this very session. Throws AppError conflict without a passkey. */
export async function confirmationOptions({ ctx, principal, identity, input: { headers } }: By & { input: { headers: Headers } }) {
  const { id } = await personOf(ctx, principal);
  const own = await ctx.db.select({ id: passkeys.id, transports: passkeys.transports }).from(passkeys).where(eq(passkeys.userId, id));
  if (own.length === 0) throw new AppError("conflict", "You have no passkey; confirm with your password or a code");
  return passkeyRequest(ctx, headers, `confirm:${identity.sessionId}`, own);
}

/**
 * Proves once more who is behind a session; dangerous actions go through for ten minutes. Throws AppError invalid for a
 * wrong proof, rate_limited after five of them, forbidden for API tokens.
 */
export async function confirmSession({
  ctx,
  auth,
  principal,
  identity,
  input: { proof, headers, caller },
}: By & { auth: Auth; input: { proof: ConfirmSession; headers: Headers; caller: Caller } }): Promise<void> {
  const person = await personOf(ctx, principal);
  try {
    if (proof.method === "password") await auth.checkPassword(person.email, proof.password, caller);
    else if (proof.method === "totp")
      await auth.attempt(`totp:${person.id}`, caller, async () => {
        if (!(await useTotpCode(ctx, person.id, proof.code))) throw new AppError("unauthenticated", "wrong");
      });
    else
      await auth.attempt(`passkey:${person.id}`, caller, async () => {
        const userId = await checkPasskey(ctx, headers, `confirm:${identity.sessionId}`, proof.response);
        if (userId !== person.id) throw new AppError("unauthenticated", "another person's");
      });
  } catch (cause) {
    // Not "unauthenticated": the session stays what it is.
    if (!(cause instanceof AppError) || cause.code !== "unauthenticated") throw cause;
    const field = { password: "password", totp: "code", passkey: "response" }[proof.method];
    const message = {
      password: "This is not your password",
      totp: "This code is wrong or was used already",
      passkey: "This passkey was not accepted",
    }[proof.method];
    throw new AppError("invalid", message, { cause, details: { fields: [{ path: field, message }] } });
  }
  await markConfirmed(ctx, principal, identity, proof.method);
}

/** Notes that it was proved just now who is behind a session. */
export async function markConfirmed(ctx: Context, principal: Principal, identity: Identity, by: string): Promise<void> {
  await ctx.db.transaction(async (tx) => {
    await tx
      .update(sessions)
      .set({ confirmedAt: new Date(ctx.clock.now()) })
      .where(and(eq(sessions.id, identity.sessionId ?? ""), eq(sessions.userId, principal.id)));
    await writeAudit(tx, principal, { action: "users.confirm-session", targetKind: "user", targetId: principal.id, after: { by } });
  });
}
