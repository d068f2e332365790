import { and, eq, isNull } from "drizzle-orm";
import { writeAudit } from "../../platform/audit/index.ts";
import type { Principal } from "../../platform/auth/principal.ts";
import type { Context } from "../../platform/context.ts";
import { aboutServer, writeEvent } from "../../platform/events/index.ts";
import { servers } from "../servers/schema.ts";
import { lockServer } from "./lock-server.ts";
import { agentIdentities } from "./schema.ts";

/**
 * Takes a server's identity away for good: its connection ends now and no certificate that it ever had is accepted
 * again. Its history stays. Harmless when repeated.
 * Throws AppError not_found, also for another organisation's server.
 */
export async function revokeServer({
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
    const server = await lockServer(tx, organizationId, serverId);
    if (server.revokedAt !== null) return;
    const now = new Date(ctx.clock.now());
    await tx.update(servers).set({ revokedAt: now, stateSince: now }).where(eq(servers.id, serverId));
    await tx
      .update(agentIdentities)
      .set({ revokedAt: now })
      .where(and(eq(agentIdentities.serverId, serverId), isNull(agentIdentities.revokedAt)));
    await writeAudit(tx, principal, {
      action: "servers.revoke",
      targetKind: "server",
      targetId: serverId,
      before: { name: server.name, revoked: false },
      after: { name: server.name, revoked: true },
    });
    await writeEvent(tx, principal, { type: "server.revoked", ...aboutServer(server), data: {} });
  });
  ctx.bus.emit("server.revoked", { serverId, reason: "revoked" });
  ctx.bus.emit("server.changed", { organizationId, serverId });
}
