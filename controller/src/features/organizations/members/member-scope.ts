import { and, eq } from "drizzle-orm";
import type { Scope } from "../../../platform/auth/index.ts";
import { memberships } from "../../../platform/auth/schema.ts";
import type { Context } from "../../../platform/context.ts";

/** The organisation of whoever asks when the user is a member of it; null otherwise, wherever else they are. */
export async function memberScope(ctx: Context, userId: string, organizationId: string): Promise<Scope | null> {
  const [row] = await ctx.db
    .select({ organizationId: memberships.organizationId })
    .from(memberships)
    .where(and(eq(memberships.userId, userId), eq(memberships.organizationId, organizationId)));
  return row ?? null;
}
