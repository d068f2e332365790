import { and, eq, isNull, lte } from "drizzle-orm";
import { organizations } from "../../../platform/auth/schema.ts";
import { auditLog } from "../../../platform/audit/schema.ts";
import type { Context } from "../../../platform/context.ts";
import { agentIdentities } from "../../enrolment/schema.ts";
import { inventories } from "../../inventory/schema.ts";
import { deleteMetricsOf } from "../../metrics/index.ts";
import { servers } from "../../servers/schema.ts";
import { tellRevoked } from "../grants/tell-revoked.ts";
import { everybody } from "./plan-deletion.ts";

/**
 * Tables whose rows hold an organisation up: they do not go with its row by themselves, so that no other deletion takes
 * them along. In the order in which they are emptied.
 */
export const emptiedFirst = [agentIdentities, inventories, servers, auditLog] as const;

/**
 * Deletes organisations whose time has come, each with everything in it: identities are revoked and connections end
 * first, then metric rows, then all the rest in one transaction. An interruption at any point leaves it to the next run.
 * Returns the names of those that are gone.
 */
export async function deleteDue({ ctx }: { ctx: Context }): Promise<string[]> {
  const due = await ctx.db
    .select()
    .from(organizations)
    .where(lte(organizations.deleteAfter, new Date(ctx.clock.now())));
  const gone: string[] = [];
  for (const { id, name } of due) {
    if (id === ctx.installation.defaultOrganizationId || !(await deleteOrganization(ctx, id))) continue;
    ctx.log.info({ scope: "organizations.delete", organizationId: id }, "an organisation was deleted with everything in it");
    gone.push(name);
  }
  return gone;
}

async function deleteOrganization(ctx: Context, organizationId: string): Promise<boolean> {
  const its = await ctx.db
    .select({ id: servers.id, serverNo: servers.serverNo })
    .from(servers)
    .where(eq(servers.organizationId, organizationId));
  await ctx.db.transaction(async (tx) => {
    const revokedAt = new Date(ctx.clock.now());
    await tx
      .update(servers)
      .set({ revokedAt })
      .where(and(eq(servers.organizationId, organizationId), isNull(servers.revokedAt)));
    await tx
      .update(agentIdentities)
      .set({ revokedAt })
      .where(and(eq(agentIdentities.organizationId, organizationId), isNull(agentIdentities.revokedAt)));
  });
  for (const { id } of its) ctx.bus.emit("server.revoked", { serverId: id, reason: "deleted with its organisation" });
  await deleteMetricsOf({ sql: ctx.sql, serverNos: its.map(({ serverNo }) => serverNo) });

  const revoked = await ctx.db.transaction(async (tx) => {
    // Taken back meanwhile: it stays, though its servers have to enrol again.
    const [still] = await tx
      .select({ id: organizations.id })
      .from(organizations)
      .where(and(eq(organizations.id, organizationId), lte(organizations.deleteAfter, new Date(ctx.clock.now()))))
      .for("update");
    if (still === undefined) return null;
    const people = await everybody(tx, organizationId);
    for (const table of emptiedFirst) await tx.delete(table).where(eq(table.organizationId, organizationId));
    await tx.delete(organizations).where(eq(organizations.id, organizationId));
    return people;
  });
  if (revoked === null) return false;
  tellRevoked(ctx, revoked);
  for (const { id } of its) ctx.bus.emit("server.removed", { organizationId, serverId: id });
  return true;
}
