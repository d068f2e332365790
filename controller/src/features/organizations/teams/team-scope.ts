import { eq } from "drizzle-orm";
import type { Scope } from "../../../platform/auth/index.ts";
import { teams } from "../../../platform/auth/schema.ts";
import type { Context } from "../../../platform/context.ts";

/** A team and what it owns; null when there is no such team. Grants over the team's things reach it: its leads. */
export async function teamScope(ctx: Context, teamId: string): Promise<Scope | null> {
  const [row] = await ctx.db.select({ organizationId: teams.organizationId }).from(teams).where(eq(teams.id, teamId));
  return row === undefined ? null : { ...row, teamId };
}
