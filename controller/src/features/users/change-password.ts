import type { ChangePasswordRequest } from "@devflow/api";
import { AppError } from "@devflow/errors";
import { writeAudit } from "../../platform/audit/index.ts";
import type { Auth, Caller, Identity, Principal } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";
import { revokeTokensOf } from "../tokens/index.ts";

interface Input extends ChangePasswordRequest {
  identity: Identity;
  headers: Headers;
  caller: Caller;
}

/**
 * Changes the password of whoever asks; all other sessions end at once, and the user's API tokens unless keepTokens.
 * Returns Set-Cookie values of the new session. Throws AppError forbidden for API tokens, invalid for a wrong password.
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
  if (input.identity.kind !== "user")
    throw new AppError("forbidden", "A password is changed with a session, not with an API token; sign in");
  const cookies = await auth.changePassword(input.headers, input.identity, input.caller, input.currentPassword, input.newPassword);
  await ctx.db.transaction(async (tx) => {
    const revokedTokens = input.keepTokens === true ? 0 : await revokeTokensOf(tx, ctx, principal.id);
    await writeAudit(tx, principal, {
      action: "users.change-password",
      targetKind: "user",
      targetId: principal.id,
      after: { revokedTokens },
    });
  });
  ctx.bus.emit("principal.revoked", { kind: "user", id: principal.id });
  return cookies;
}
