import { type Server, type UpdateServer } from "@devflow/api";
import { AppError } from "@devflow/errors";
import { and, eq } from "drizzle-orm";
import { writeAudit } from "../../platform/audit/index.ts";
import { demandPermission, type Principal } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";
import { aboutServer, writeEvent } from "../../platform/events/index.ts";
import { gainByMove, placeInGroup } from "../groups/index.ts";
import { serverGroups } from "../groups/schema.ts";
import { getServer } from "./get-server.ts";
import { servers } from "./schema.ts";

/**
 * Renames a server, gives it other tags, or puts it into another group, which needs "servers.edit" there too.
 * Throws AppError not_found, also for another organisation's server; invalid for a group that is not there; forbidden.
 */
export async function updateServer({
  ctx,
  principal,
  input,
}: {
  ctx: Context;
  principal: Principal;
  input: UpdateServer & { serverId: string };
}): Promise<Server> {
  const { serverId, ...wanted } = input;
  const { organizationId } = principal;
  const changed = await ctx.db.transaction(async (tx) => {
    const [before] = await tx
      .select({ name: servers.name, tags: servers.tags, groupId: servers.groupId, teamId: serverGroups.teamId })
      .from(servers)
      .leftJoin(serverGroups, eq(serverGroups.id, servers.groupId))
      .where(and(eq(servers.id, serverId), eq(servers.organizationId, organizationId)))
      .for("update", { of: servers });
    if (before === undefined) throw new AppError("not_found", "There is no such server");
    // Asked again, now that nobody else can move it.
    const from = { organizationId, groupId: before.groupId, teamId: before.teamId };
    demandPermission(principal, "servers.edit", from);
    const after = { name: wanted.name ?? before.name, tags: wanted.tags ?? before.tags, groupId: before.groupId };
    if (wanted.groupId !== undefined && wanted.groupId !== before.groupId) {
      const gained = gainByMove(principal, from, await placeInGroup(tx, principal, "servers.edit", wanted.groupId));
      if (gained !== null)
        throw new AppError("forbidden", `You have "${gained}" in that group and not where the server is; ask somebody who has it there`);
      after.groupId = wanted.groupId;
    }
    const keys = (["name", "tags", "groupId"] as const).filter((key) => JSON.stringify(after[key]) !== JSON.stringify(before[key]));
    if (keys.length === 0) return false;
    await tx.update(servers).set(after).where(eq(servers.id, serverId));
    const pick = (from: typeof after) => Object.fromEntries(keys.map((key) => [key, from[key]]));
    const change = { before: pick(before), after: pick(after) };
    await writeAudit(tx, principal, { action: "servers.update", targetKind: "server", targetId: serverId, ...change });
    await writeEvent(tx, principal, {
      type: "server.updated",
      ...aboutServer({ id: serverId, name: after.name, groupId: after.groupId }),
      data: change,
    });
    return true;
  });
  if (changed) ctx.bus.emit("server.changed", { organizationId, serverId });
  return getServer({ ctx, principal, input: { serverId } });
}
