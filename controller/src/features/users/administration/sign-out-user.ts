import type { SignedOutUser } from "@devflow/api";
import { eq } from "drizzle-orm";
import type { Principal } from "../../../platform/auth/index.ts";
import { sessions } from "../../../platform/auth/schema.ts";
import type { Context } from "../../../platform/context.ts";
import { revokeTokensOf } from "../revoke-tokens-of.ts";
import { lockAdministrators, organizationsOf } from "./lock-administrators.ts";
import { tellOrganizations } from "./tell-organizations.ts";

/**
 * Ends all sessions and live connections of a user in all organisations, and their API tokens when asked to. Returns
 * how many ended. Throws AppError not_found.
 */
export async function signOutUser({
  ctx,
  principal,
  input: { userId, tokens = false },
}: {
  ctx: Context;
  principal: Principal;
  input: { userId: string; tokens?: boolean | undefined };
}): Promise<SignedOutUser> {
  const ended = await ctx.db.transaction(async (tx) => {
    await lockAdministrators(tx, principal, userId);
    const gone = await tx.delete(sessions).where(eq(sessions.userId, userId)).returning({ id: sessions.id });
    const counts = { sessions: gone.length, tokens: tokens ? await revokeTokensOf(tx, ctx, userId) : 0 };
    const entry = { action: "users.sign-out", targetKind: "user", targetId: userId, after: counts };
    await tellOrganizations(tx, principal, await organizationsOf(tx, userId), entry, null);
    return counts;
  });
  ctx.bus.emit("principal.revoked", { kind: "user", id: userId });
  return ended;
}
