import { AppError } from "@devflow/errors";
import { and, eq, isNull } from "drizzle-orm";
import { writeAudit } from "../../platform/audit/index.ts";
import type { Principal } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";
import { apiTokens } from "../tokens/schema.ts";

/** Ends the token that asks, its live connections too: signing out needs no role. Throws AppError forbidden for a session. */
export async function endOwnToken({ ctx, principal }: { ctx: Context; principal: Principal }): Promise<void> {
  if (principal.kind !== "token")
    throw new AppError("forbidden", "This ends the API token that asks, and you came with a session; DELETE /api/v1/session ends that");
  await ctx.db.transaction(async (tx) => {
    const [ended] = await tx
      .update(apiTokens)
      .set({ revokedAt: new Date(ctx.clock.now()) })
      .where(and(eq(apiTokens.id, principal.id), eq(apiTokens.organizationId, principal.organizationId), isNull(apiTokens.revokedAt)))
      .returning({ name: apiTokens.name });
    if (ended === undefined) return;
    await writeAudit(tx, principal, { action: "tokens.revoke", targetKind: "token", targetId: principal.id, before: { name: ended.name } });
  });
  ctx.bus.emit("principal.revoked", { kind: "token", id: principal.id });
}
