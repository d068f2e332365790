import { and, eq, isNull } from "drizzle-orm";
import type { Context } from "../../platform/context.ts";
import type { Database } from "../../platform/db/index.ts";
import { apiTokens } from "../tokens/schema.ts";

/** Ends all tokens of a user, in the caller's transaction; emit principal.revoked for the user afterwards. Returns how many. */
export async function revokeTokensOf(tx: Pick<Database, "update">, ctx: Pick<Context, "clock">, userId: string): Promise<number> {
  const revoked = await tx
    .update(apiTokens)
    .set({ revokedAt: new Date(ctx.clock.now()) })
    .where(and(eq(apiTokens.createdBy, userId), isNull(apiTokens.serviceAccountId), isNull(apiTokens.revokedAt)))
    .returning({ id: apiTokens.id });
  return revoked.length;
}
