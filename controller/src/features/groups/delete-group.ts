import type { DeletedServerGroup } from "@devflow/api";
import { AppError } from "@devflow/errors";
import { and, eq, isNull } from "drizzle-orm";
import { writeAudit } from "../../platform/audit/index.ts";
import { demandPermission, type Principal } from "../../platform/auth/index.ts";
import { grants } from "../../platform/auth/schema.ts";
import type { Context } from "../../platform/context.ts";
import { writeEvent } from "../../platform/events/index.ts";
import { enrolmentTokens } from "../enrolment/schema.ts";
import { servers } from "../servers/schema.ts";
import { serverGroups } from "./schema.ts";

/**
 * Deletes a group with the roles over it. Its servers stay and are in no group; tokens that put servers into it are
 * revoked, since those would be seen by others than their maker meant. Throws AppError not_found.
 */
export async function deleteGroup({
  ctx,
  principal,
  input: { groupId },
}: {
  ctx: Context;
  principal: Principal;
  input: { groupId: string };
}): Promise<DeletedServerGroup> {
  const { organizationId } = principal;
  const { ungrouped, revoked } = await ctx.db.transaction(async (tx) => {
    const [group] = await tx
      .select()
      .from(serverGroups)
      .where(and(eq(serverGroups.id, groupId), eq(serverGroups.organizationId, organizationId)))
      .for("update");
    if (group === undefined) throw new AppError("not_found", "There is no such group");
    demandPermission(principal, "groups.manage", { organizationId, groupId, teamId: group.teamId });
    const ungrouped = await tx.update(servers).set({ groupId: null }).where(eq(servers.groupId, groupId)).returning({ id: servers.id });
    const revoked = await tx
      .update(enrolmentTokens)
      .set({ revokedAt: new Date(ctx.clock.now()) })
      .where(and(eq(enrolmentTokens.groupId, groupId), isNull(enrolmentTokens.revokedAt)))
      .returning({ id: enrolmentTokens.id });
    await tx
      .delete(grants)
      .where(and(eq(grants.organizationId, organizationId), eq(grants.scopeKind, "group"), eq(grants.scopeId, groupId)));
    await tx.delete(serverGroups).where(eq(serverGroups.id, groupId));
    await writeAudit(tx, principal, {
      action: "groups.delete",
      targetKind: "group",
      targetId: groupId,
      before: { name: group.name, description: group.description, teamId: group.teamId, servers: ungrouped.length },
      after: { revokedEnrolmentTokens: revoked.map(({ id }) => id) },
    });
    await writeEvent(tx, principal, {
      type: "group.deleted",
      subject: { kind: "group", id: groupId, name: group.name },
      groupId,
      data: {},
    });
    return { ungrouped, revoked };
  });
  for (const { id } of ungrouped) ctx.bus.emit("server.changed", { organizationId, serverId: id });
  return { servers: ungrouped.length, enrolmentTokens: revoked.length };
}
