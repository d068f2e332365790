import type { CreateServerGroup, ServerGroup } from "@devflow/api";
import { AppError } from "@devflow/errors";
import { count, eq } from "drizzle-orm";
import { writeAudit } from "../../platform/audit/index.ts";
import { demandPermission, type Principal } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";
import { writeEvent } from "../../platform/events/index.ts";
import { getGroup } from "./group-rows.ts";
import { nameTaken } from "./name-taken.ts";
import { serverGroups } from "./schema.ts";
import { demandTeam } from "./team-place.ts";

const maxGroups = 500;

/**
 * Makes a server group, without a team or for one whose things the principal may manage.
 * Throws AppError conflict (name taken, 500 groups), invalid (no such team), forbidden.
 */
export async function createGroup({
  ctx,
  principal,
  input,
}: {
  ctx: Context;
  principal: Principal;
  input: CreateServerGroup;
}): Promise<ServerGroup> {
  const { organizationId } = principal;
  const { name, description = "", teamId = null } = input;
  demandPermission(principal, "groups.manage", teamId === null ? undefined : { organizationId, teamId });
  const groupId = await ctx.db.transaction(async (tx) => {
    if (teamId !== null) await demandTeam(tx, organizationId, teamId);
    const [existing] = await tx.select({ count: count() }).from(serverGroups).where(eq(serverGroups.organizationId, organizationId));
    if ((existing?.count ?? 0) >= maxGroups)
      throw new AppError("conflict", `There are ${maxGroups} groups already; delete those that nobody uses`);
    const [group] = await tx
      .insert(serverGroups)
      .values({ organizationId, name, description, teamId })
      .onConflictDoNothing()
      .returning({ id: serverGroups.id });
    if (group === undefined) throw nameTaken(name);
    await writeAudit(tx, principal, {
      action: "groups.create",
      targetKind: "group",
      targetId: group.id,
      after: { name, description, teamId },
    });
    await writeEvent(tx, principal, { type: "group.created", subject: { kind: "group", id: group.id, name }, groupId: group.id, data: {} });
    return group.id;
  });
  return getGroup({ ctx, principal, input: { groupId } });
}
