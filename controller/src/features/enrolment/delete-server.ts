import { AppError } from "@devflow/errors";
import { and, eq } from "drizzle-orm";
import { writeAudit } from "../../platform/audit/index.ts";
import type { Principal } from "../../platform/auth/principal.ts";
import type { Context } from "../../platform/context.ts";
import { aboutServer, writeEvent } from "../../platform/events/index.ts";
import { servers } from "../servers/schema.ts";

/**
 * Removes a server with its identities; its connection ends now. Certificates that it had are unknown from then on and
 * refused. Metric rows are unreachable at once (server_no is never reused) and leave with their retention.
 * Throws AppError not_found, also for another organisation's server.
 */
export async function deleteServer({
  ctx,
  principal,
  input,
}: {
  ctx: Context;
  principal: Principal;
  input: { serverId: string };
}): Promise<void> {
  const { serverId } = input;
  const { organizationId } = principal;
  await ctx.db.transaction(async (tx) => {
    const [server] = await tx
      .delete(servers)
      .where(and(eq(servers.id, serverId), eq(servers.organizationId, organizationId)))
      .returning({ name: servers.name, hostname: servers.hostname, groupId: servers.groupId });
    if (server === undefined) throw new AppError("not_found", "There is no such server.");
    await writeAudit(tx, principal, { action: "servers.delete", targetKind: "server", targetId: serverId, before: server });
    await writeEvent(tx, principal, { type: "server.deleted", ...aboutServer({ id: serverId, ...server }), data: {} });
  });
  ctx.bus.emit("server.revoked", { serverId, reason: "deleted" });
  ctx.bus.emit("server.removed", { organizationId, serverId });
}
