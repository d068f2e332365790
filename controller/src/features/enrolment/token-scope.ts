import { eq } from "drizzle-orm";
import type { Scope } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";
import { enrolmentTokens } from "./schema.ts";

/** Where an enrolment token belongs; null when it is not there. */
export async function enrolmentTokenScope(ctx: Context, tokenId: string): Promise<Scope | null> {
  const [row] = await ctx.db
    .select({ organizationId: enrolmentTokens.organizationId })
    .from(enrolmentTokens)
    .where(eq(enrolmentTokens.id, tokenId));
  return row ?? null;
}
