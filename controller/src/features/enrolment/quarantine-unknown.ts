import { eq, sql } from "drizzle-orm";
import type { Context } from "../../platform/context.ts";
import { aboutServer, writeEvent } from "../../platform/events/index.ts";
import { writeAudit } from "../../platform/audit/index.ts";
import { servers } from "../servers/schema.ts";
import type { CertifiedAgent } from "./rules.ts";
import { agentIdentities } from "./schema.ts";
import { systemPrincipal } from "../../platform/auth/system-principal.ts";

export interface UnknownIdentity {
  readonly agent: CertifiedAgent;
  readonly serial: string;
  readonly keySha256: string;
  readonly notAfterMs: number;
}

/** Most servers that one restored database may be shown; the CA signed all of them, so this is a backstop only. */
const maxQuarantined = 10_000;

/**
 * After a restore: a certificate that the CA signed, of an epoch before the restore, and that the database has never
 * seen. It was given after the backup was made, or to a server that was deleted before it. Nobody can tell which, so
 * it waits for a person: the server is shown as quarantined.
 * @returns false when there is no room for another one
 */
export async function quarantineUnknown({ ctx, input }: { ctx: Context; input: UnknownIdentity }): Promise<boolean> {
  const changed = await ctx.db.transaction(async (tx) => {
    // One at a time: two connections of the same agent must not make two rows.
    await tx.execute(sql`select pg_advisory_xact_lock(hashtext('devflow.quarantine'))`);
    const now = new Date(ctx.clock.now());
    const [known] = await tx.select().from(agentIdentities).where(eq(agentIdentities.serial, input.serial));
    if (known !== undefined) return { organizationId: known.organizationId };
    const [server] = await tx.select().from(servers).where(eq(servers.id, input.agent.agentId));
    if (server === undefined) {
      const [count] = await tx
        .select({ n: sql<number>`count(*)::int` })
        .from(servers)
        .where(sql`${servers.quarantinedAt} is not null`);
      if ((count?.n ?? 0) >= maxQuarantined) return null;
    }
    const organizationId = server?.organizationId ?? ctx.installation.defaultOrganizationId;
    const name = server?.name ?? `unknown ${input.agent.agentId.slice(0, 8)}`;
    if (server === undefined) {
      await tx.insert(servers).values({ id: input.agent.agentId, organizationId, name, hostname: "", quarantinedAt: now, stateSince: now });
    } else if (server.quarantinedAt === null && server.revokedAt === null) {
      await tx.update(servers).set({ quarantinedAt: now, stateSince: now }).where(eq(servers.id, server.id));
    }
    await tx.insert(agentIdentities).values({
      serial: input.serial,
      serverId: input.agent.agentId,
      organizationId,
      keySha256: input.keySha256,
      epoch: input.agent.epoch,
      issuedAt: now,
      notAfter: new Date(input.notAfterMs),
      // A server that is revoked stays so: this certificate may be the very one that was revoked.
      revokedAt: server?.revokedAt ?? null,
    });
    await writeAudit(tx, systemPrincipal(organizationId), {
      action: "servers.quarantine",
      targetKind: "server",
      targetId: input.agent.agentId,
      after: { serial: input.serial, epoch: input.agent.epoch, reason: "not known to the restored database" },
    });
    await writeEvent(tx, systemPrincipal(organizationId), {
      type: "server.quarantined",
      ...aboutServer({ id: input.agent.agentId, name, groupId: server?.groupId ?? null }),
      data: { reason: "The restored database does not know this identity" },
    });
    return { organizationId };
  });
  if (changed === null) return false;
  ctx.bus.emit("events.written", {});
  ctx.bus.emit("server.revoked", { serverId: input.agent.agentId, reason: "quarantined" });
  ctx.bus.emit("server.changed", { organizationId: changed.organizationId, serverId: input.agent.agentId });
  return true;
}
