import { eq } from "drizzle-orm";
import type { Scope } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";
import { serverGroups } from "../groups/schema.ts";
import { enrolmentTokens } from "./schema.ts";

/** Where an enrolment token belongs: to the group that it puts servers into; null when it is not there. */
export async function enrolmentTokenScope(ctx: Context, tokenId: string): Promise<Scope | null> {
  const [row] = await ctx.db
    .select({ organizationId: enrolmentTokens.organizationId, groupId: enrolmentTokens.groupId, teamId: serverGroups.teamId })
    .from(enrolmentTokens)
    .leftJoin(serverGroups, eq(serverGroups.id, enrolmentTokens.groupId))
    .where(eq(enrolmentTokens.id, tokenId));
  return row ?? null;
}
