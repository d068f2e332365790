import { AppError } from "@devflow/errors";
import { eq } from "drizzle-orm";
import { writeAudit } from "../../platform/audit/index.ts";
import type { Principal } from "../../platform/auth/principal.ts";
import type { Context } from "../../platform/context.ts";
import { aboutServer, writeEvent } from "../../platform/events/index.ts";
import { servers } from "../servers/schema.ts";
import { lockServer } from "./lock-server.ts";

/**
 * Lets a quarantined server in again: somebody has looked and knows it.
 * Throws AppError not_found (also for another organisation's server), conflict when it is not quarantined.
 */
export async function releaseServer({
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
    if (server.quarantinedAt === null) throw new AppError("conflict", `The server ${server.name} is not quarantined; nothing to release.`);
    await tx
      .update(servers)
      .set({ quarantinedAt: null, stateSince: new Date(ctx.clock.now()) })
      .where(eq(servers.id, serverId));
    await writeAudit(tx, principal, {
      action: "servers.release",
      targetKind: "server",
      targetId: serverId,
      before: { quarantinedAt: server.quarantinedAt },
      after: { quarantinedAt: null },
    });
    await writeEvent(tx, principal, { type: "server.released", ...aboutServer(server), data: {} });
  });
  ctx.bus.emit("server.changed", { organizationId, serverId });
}
