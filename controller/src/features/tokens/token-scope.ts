import { eq } from "drizzle-orm";
import type { Scope } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";
import { apiTokens } from "./schema.ts";

/** Where a token belongs; null when it is not there. */
export async function tokenScope(ctx: Context, tokenId: string): Promise<Scope | null> {
  const [row] = await ctx.db.select({ organizationId: apiTokens.organizationId }).from(apiTokens).where(eq(apiTokens.id, tokenId));
  return row ?? null;
}
