import type { Server, UpdateServer } from "@devflow/api";
import { AppError } from "@devflow/errors";
import { and, eq } from "drizzle-orm";
import { writeAudit } from "../../platform/audit/index.ts";
import type { Principal } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";
import { aboutServer, writeEvent } from "../../platform/events/index.ts";
import { getServer } from "./get-server.ts";
import { servers } from "./schema.ts";

/** Renames a server. Throws AppError not_found, also for another organisation's server. */
export async function updateServer({
  ctx,
  principal,
  input,
}: {
  ctx: Context;
  principal: Principal;
  input: UpdateServer & { serverId: string };
}): Promise<Server> {
  const { serverId, name } = input;
  const mine = and(eq(servers.id, serverId), eq(servers.organizationId, principal.organizationId));
  await ctx.db.transaction(async (tx) => {
    const [before] = await tx.select({ name: servers.name, groupId: servers.groupId }).from(servers).where(mine).for("update");
    if (before === undefined) throw new AppError("not_found", "There is no such server");
    if (before.name === name) return;
    await tx.update(servers).set({ name }).where(mine);
    await writeAudit(tx, principal, {
      action: "servers.update",
      targetKind: "server",
      targetId: serverId,
      before: { name: before.name },
      after: { name },
    });
    await writeEvent(tx, principal, {
      type: "server.updated",
      ...aboutServer({ id: serverId, name, groupId: before.groupId }),
      data: { before: { name: before.name }, after: { name } },
    });
  });
  ctx.bus.emit("server.changed", { organizationId: principal.organizationId, serverId });
  return getServer({ ctx, principal, input: { serverId } });
}
