import { AppError } from "@devflow/errors";
import { and, eq } from "drizzle-orm";
import { writeAudit } from "../../platform/audit/index.ts";
import type { Principal } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";
import { writeEvent } from "../../platform/events/index.ts";
import { heldBy, refuseMore, storedGrants } from "../organizations/index.ts";
import { findOwner, mayManageTokens, ownerOf } from "./ownership.ts";
import { apiTokens } from "./schema.ts";

/**
 * Ends a token at once, its live connections too. Harmless when repeated. Throws AppError not_found for what is not the
 * caller's own, unless they may manage tokens, and forbidden for somebody's token that may do more than whoever asks.
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
    const isOwn = token !== undefined && ownerOf(token, await findOwner(tx, principal));
    if (token === undefined || (!isOwn && !mayManageTokens(principal))) throw new AppError("not_found", "There is no such token");
    if (!isOwn) {
      const held = await storedGrants(tx, principal.organizationId, heldBy("token", tokenId));
      refuseMore(principal.access, held, (permission) => `This token has "${permission}", you do not; ask an owner`);
    }
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
