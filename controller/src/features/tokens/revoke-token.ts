import { AppError } from "@devflow/errors";
import { and, eq, isNull } from "drizzle-orm";
import { writeAudit } from "../../platform/audit/index.ts";
import { holds, type Principal } from "../../platform/auth/index.ts";
import { grants } from "../../platform/auth/schema.ts";
import { permissionsOf, type Role } from "@devflow/api";
import type { Context } from "../../platform/context.ts";
import { writeEvent } from "../../platform/events/index.ts";
import type { Database } from "../../platform/db/index.ts";
import { apiTokens } from "./schema.ts";

/**
 * Ends a token at once, its live connections too. Harmless when repeated. Throws AppError not_found, also for another
 * organisation's token, and forbidden for a token that may do more than whoever asks.
 */
export async function revokeToken({
  ctx,
  principal,
  input: { tokenId },
}: {
  ctx: Context;
  principal: Principal;
  input: { tokenId: string };
}): Promise<void> {
  await ctx.db.transaction(async (tx) => {
    const [token] = await tx
      .select()
      .from(apiTokens)
      .where(and(eq(apiTokens.id, tokenId), eq(apiTokens.organizationId, principal.organizationId)))
      .for("update");
    if (token === undefined) throw new AppError("not_found", "There is no such token");
    const [grant] = await tx
      .select({ role: grants.role })
      .from(grants)
      .where(and(eq(grants.principalKind, "token"), eq(grants.principalId, tokenId)));
    const more =
      grant?.role == null ? undefined : permissionsOf(grant.role as Role).find((permission) => !holds(principal.access, permission));
    if (more !== undefined) throw new AppError("forbidden", `This token has "${more}", you do not; ask an owner`);
    if (token.revokedAt !== null) return;
    await tx
      .update(apiTokens)
      .set({ revokedAt: new Date(ctx.clock.now()) })
      .where(eq(apiTokens.id, tokenId));
    await writeAudit(tx, principal, { action: "tokens.revoke", targetKind: "token", targetId: tokenId, before: { name: token.name } });
    await writeEvent(tx, principal, { type: "token.revoked", subject: { kind: "token", id: tokenId, name: token.name }, data: {} });
  });
  ctx.bus.emit("principal.revoked", { kind: "token", id: tokenId });
}

/** Ends all tokens that a user made, in the caller's transaction; emit principal.revoked for the user afterwards. Returns how many. */
export async function revokeTokensOf(tx: Pick<Database, "update">, ctx: Context, userId: string): Promise<number> {
  const revoked = await tx
    .update(apiTokens)
    .set({ revokedAt: new Date(ctx.clock.now()) })
    .where(and(eq(apiTokens.createdBy, userId), isNull(apiTokens.revokedAt)))
    .returning({ id: apiTokens.id });
  return revoked.length;
}
