import type { Scope } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";

/** Where a server group belongs; null when it is not there. */
export async function groupScope({ sql }: Context, groupId: string): Promise<Scope | null> {
  const [row] = await sql<{ organizationId: string; groupId: string; teamId: string | null }[]>`
    select organization_id as "organizationId", id as "groupId", team_id as "teamId" from server_groups where id = ${groupId}`;
  return row ?? null;
}
