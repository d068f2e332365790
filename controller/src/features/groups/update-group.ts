import type { ServerGroup, UpdateServerGroup } from "@devflow/api";
import { AppError } from "@devflow/errors";
import { and, eq, ne, sql } from "drizzle-orm";
import { writeAudit } from "../../platform/audit/index.ts";
import { demandPermission, type Principal } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";
import { writeEvent } from "../../platform/events/index.ts";
import { servers } from "../servers/schema.ts";
import { getGroup } from "./group-rows.ts";
import { nameTaken } from "./name-taken.ts";
import { serverGroups } from "./schema.ts";
import { demandTeam, refuseGivingMore } from "./team-place.ts";

/**
 * Renames or describes a group, or gives it to another team, which needs "groups.manage" over that team's things too
 * (taking it from a team without giving it to one: over the organisation).
 * Throws AppError not_found, conflict (name taken), invalid (no such team), forbidden.
 */
export async function updateGroup({
  ctx,
  principal,
  input: { groupId, ...wanted },
}: {
  ctx: Context;
  principal: Principal;
  input: UpdateServerGroup & { groupId: string };
}): Promise<ServerGroup> {
  const { organizationId } = principal;
  const moved = await ctx.db.transaction(async (tx) => {
    const [group] = await tx
      .select()
      .from(serverGroups)
      .where(and(eq(serverGroups.id, groupId), eq(serverGroups.organizationId, organizationId)))
      .for("update");
    if (group === undefined) throw new AppError("not_found", "There is no such group");
    const place = { organizationId, groupId, teamId: group.teamId };
    // Asked again, now that its team cannot change any more.
    demandPermission(principal, "groups.manage", place);
    const after = {
      name: wanted.name ?? group.name,
      description: wanted.description ?? group.description,
      teamId: wanted.teamId === undefined ? group.teamId : wanted.teamId,
    };
    const changed = (Object.keys(after) as (keyof typeof after)[]).filter((key) => after[key] !== group[key]);
    if (changed.length === 0) return [];
    if (changed.includes("teamId")) {
      demandPermission(principal, "groups.manage", after.teamId === null ? undefined : { organizationId, teamId: after.teamId });
      if (after.teamId !== null) {
        await demandTeam(tx, organizationId, after.teamId);
        await refuseGivingMore(tx, principal, after.teamId, place);
      }
    }
    const [other] = await tx
      .select({ id: serverGroups.id })
      .from(serverGroups)
      .where(
        and(
          eq(serverGroups.organizationId, organizationId),
          sql`lower(${serverGroups.name}) = lower(${after.name})`,
          ne(serverGroups.id, groupId),
        ),
      );
    if (other !== undefined) throw nameTaken(after.name);
    await tx
      .update(serverGroups)
      .set({ ...after, updatedAt: new Date(ctx.clock.now()) })
      .where(eq(serverGroups.id, groupId));
    const pick = (from: typeof after) => Object.fromEntries(changed.map((key) => [key, from[key]]));
    const change = { before: pick(group), after: pick(after) };
    await writeAudit(tx, principal, { action: "groups.update", targetKind: "group", targetId: groupId, ...change });
    await writeEvent(tx, principal, {
      type: "group.updated",
      subject: { kind: "group", id: groupId, name: after.name },
      groupId,
      data: change,
    });
    if (!changed.includes("teamId")) return [];
    return tx.select({ id: servers.id }).from(servers).where(eq(servers.groupId, groupId));
  });
  // Who sees them may be others now.
  for (const { id } of moved) ctx.bus.emit("server.changed", { organizationId, serverId: id });
  return getGroup({ ctx, principal, input: { groupId } });
}
