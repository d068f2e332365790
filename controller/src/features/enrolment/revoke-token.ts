import { AppError } from "@devflow/errors";
import { and, eq } from "drizzle-orm";
import { writeAudit } from "../../platform/audit/index.ts";
import type { Principal } from "../../platform/auth/principal.ts";
import type { Context } from "../../platform/context.ts";
import { writeEvent } from "../../platform/events/index.ts";
import { enrolmentTokens } from "./schema.ts";

/**
 * Ends a token; servers that it let in stay. Harmless when repeated.
 * Throws AppError not_found, also for another organisation's token.
 */
export async function revokeToken({
  ctx,
  principal,
  input,
}: {
  ctx: Context;
  principal: Principal;
  input: { tokenId: string };
}): Promise<void> {
  await ctx.db.transaction(async (tx) => {
    const [token] = await tx
      .select()
      .from(enrolmentTokens)
      .where(and(eq(enrolmentTokens.id, input.tokenId), eq(enrolmentTokens.organizationId, principal.organizationId)))
      .for("update");
    if (token === undefined) throw new AppError("not_found", "There is no such enrolment token.");
    if (token.revokedAt !== null) return;
    await tx
      .update(enrolmentTokens)
      .set({ revokedAt: new Date(ctx.clock.now()) })
      .where(eq(enrolmentTokens.id, token.id));
    await writeAudit(tx, principal, {
      action: "enrolment-tokens.revoke",
      targetKind: "enrolment-token",
      targetId: token.id,
      before: { name: token.name, prefix: token.prefix, uses: token.uses, maxUses: token.maxUses },
    });
    await writeEvent(tx, principal, {
      type: "enrolment-token.revoked",
      subject: { kind: "enrolment-token", id: token.id, name: token.name },
      data: {},
    });
  });
}
