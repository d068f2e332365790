import type { Scope } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";

/** Where a server belongs; null when it is not there. The question that routes and live topics ask before decide(). */
export async function serverScope(ctx: Context, serverId: string): Promise<Scope | null> {
  const [row] = await ctx.sql<{ organizationId: string }[]>`select organization_id as "organizationId" from servers where id = ${serverId}`;
  return row === undefined ? null : { organizationId: row.organizationId };
}
