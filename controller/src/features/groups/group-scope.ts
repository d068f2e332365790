import { eq } from "drizzle-orm";
import type { Scope } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";
import { serverGroups } from "./schema.ts";

/** Where a server group belongs; null when it is not there. */
export async function groupScope(ctx: Context, groupId: string): Promise<Scope | null> {
  const [row] = await ctx.db
    .select({ organizationId: serverGroups.organizationId, groupId: serverGroups.id, teamId: serverGroups.teamId })
    .from(serverGroups)
    .where(eq(serverGroups.id, groupId));
  return row ?? null;
}
