import type { InstallationUser, UpdateInstallationUser } from "@devflow/api";
import { AppError } from "@devflow/errors";
import { eq } from "drizzle-orm";
import type { Principal } from "../../../platform/auth/index.ts";
import { sessions, users } from "../../../platform/auth/schema.ts";
import type { Context } from "../../../platform/context.ts";
import { revokeTokensOf } from "../revoke-tokens-of.ts";
import { findUser } from "./list-users.ts";
import { keepAdministrator, lockAdministrators, organizationsOf } from "./lock-administrators.ts";
import { tellOrganizations } from "./tell-organizations.ts";

/**
 * Disables or enables a user, makes them an administrator of the installation or takes that away. Disabled, all
 * sessions, API tokens and live connections end at once, and no way in is left; tokens stay ended when they are enabled
 * again. Throws AppError not_found, conflict for the last administrator, for disabling oneself, and for a disabled
 * administrator-to-be.
 */
export async function changeUser({
  ctx,
  principal,
  input: { userId, disabled, installationAdministrator },
}: {
  ctx: Context;
  principal: Principal;
  input: { userId: string } & UpdateInstallationUser;
}): Promise<InstallationUser> {
  const changed = await ctx.db.transaction(async (tx) => {
    const before = await lockAdministrators(tx, principal, userId);
    const isDisabled = before.disabledAt !== null;
    const willBeDisabled = disabled ?? isDisabled;
    const willBeAdministrator = installationAdministrator ?? before.installationAdministrator;
    const turns = willBeDisabled !== isDisabled;
    const moves = willBeAdministrator !== before.installationAdministrator;
    if (!turns && !moves) return false;
    if (turns && willBeDisabled && userId === principal.userId)
      throw new AppError("conflict", "Nobody disables themselves; ask another administrator");
    if (moves && willBeAdministrator && willBeDisabled)
      throw new AppError("conflict", "Somebody who is disabled cannot be an administrator; enable them first");
    await tx
      .update(users)
      .set({
        installationAdministrator: willBeAdministrator,
        ...(turns && { disabledAt: willBeDisabled ? new Date(ctx.clock.now()) : null }),
      })
      .where(eq(users.id, userId));
    await keepAdministrator(tx, before);
    const ends = turns && willBeDisabled;
    if (ends) await tx.delete(sessions).where(eq(sessions.userId, userId));
    const revokedTokens = ends ? await revokeTokensOf(tx, ctx, userId) : 0;
    const subject = { kind: "user", id: userId, name: before.email };
    const about = { targetKind: "user", targetId: userId };
    const everywhere = await organizationsOf(tx, userId);
    if (turns)
      await tellOrganizations(
        tx,
        principal,
        everywhere,
        { ...about, action: willBeDisabled ? "users.disable" : "users.enable", after: willBeDisabled ? { revokedTokens } : null },
        { type: willBeDisabled ? "user.disabled" : "user.enabled", subject, data: {} },
      );
    if (moves)
      await tellOrganizations(
        tx,
        principal,
        everywhere,
        {
          ...about,
          action: "users.change-administrator",
          before: { administrator: before.installationAdministrator },
          after: { administrator: willBeAdministrator },
        },
        { type: "user.administrator-changed", subject, data: { administrator: willBeAdministrator } },
      );
    return true;
  });
  if (changed) ctx.bus.emit("principal.revoked", { kind: "user", id: userId });
  return (await findUser(ctx, principal, userId))!;
}
