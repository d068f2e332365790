import type { ChangePasswordRequest } from "@devflow/api";
import { AppError } from "@devflow/errors";
import type { Auth, Caller, Identity, Principal } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";
import { checkNewPassword } from "./passwords/check-new-password.ts";
import { storePassword } from "./passwords/store-password.ts";
import { personOf } from "./person.ts";
import { revokeTokensOf } from "./revoke-tokens-of.ts";
import { tellOfChange } from "./tell-of-change.ts";

interface Input extends ChangePasswordRequest {
  identity: Identity;
  caller: Caller;
}

/**
 * Changes the password of whoever asks; all other sessions end at once, and the user's API tokens unless keepTokens.
 * Returns Set-Cookie values of the new session. Throws AppError forbidden for API tokens, invalid for a wrong present
 * password or a weak new one.
 */
export async function changePassword({
  ctx,
  auth,
  principal,
  input,
}: {
  ctx: Context;
  auth: Auth;
  principal: Principal;
  input: Input;
}): Promise<readonly string[]> {
  const person = await personOf(ctx, principal);
  await auth.checkPassword(person.email, input.currentPassword, input.caller).catch((cause: unknown) => {
    if (!(cause instanceof AppError) || cause.code !== "unauthenticated") throw cause;
    throw new AppError("invalid", "The present password is wrong", {
      cause,
      details: { fields: [{ path: "currentPassword", message: "this is not your present password" }] },
    });
  });
  await checkNewPassword({ ctx, input: { password: input.newPassword, field: "newPassword", person } });
  const passwordHash = await auth.hashPassword(input.newPassword);
  await ctx.db.transaction(async (tx) => {
    await storePassword(tx, ctx, person.id, passwordHash);
    const revokedTokens = input.keepTokens === true ? 0 : await revokeTokensOf(tx, ctx, person.id);
    await tellOfChange(tx, ctx, principal, person, {
      action: "users.change-password",
      event: { type: "user.password-changed", data: {} },
      after: { revokedTokens },
      notice: "Your password was changed",
    });
  });
  ctx.bus.emit("principal.revoked", { kind: "user", id: person.id });
  ctx.bus.emit("mail.queued", {});
  return (await auth.beginSession(person.id, input.caller)).cookies;
}
