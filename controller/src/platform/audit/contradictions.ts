import type { AuditContradiction } from "@devflow/api";
import { systemPrincipal } from "../auth/system-principal.ts";
import type { Context } from "../context.ts";
import { writeEvent } from "../events/index.ts";
import { type Checkpoint, checkpointColumns } from "./checkpoints.ts";
import { compareCheckpoints } from "./compare.ts";
import { writeAudit } from "./index.ts";
import { auditContradictions } from "./schema.ts";

/** Kept of one organisation, and told at once. */
const maxKept = 100;
/** After the first event, the others within this time are kept without one: each server of a fleet holds another row. */
const eventGapMs = 3_600_000;

export interface HeldCheckpoint extends Checkpoint {
  readonly serverId: string;
  readonly serverName: string;
  readonly toldAt: Date;
}

/** What servers hold against the log as it is now, the first row first; what was accepted or fits again is not among it. */
export async function readContradictions({
  ctx,
  organizationId,
}: {
  ctx: Pick<Context, "sql" | "config">;
  /** Default: of all organisations, at most 1,000. */
  organizationId?: string;
}): Promise<{ checkpoint: HeldCheckpoint; reason: string }[]> {
  const { sql } = ctx;
  const held = await sql<HeldCheckpoint[]>`
    select ${checkpointColumns(sql)}, server_id as "serverId", server_name as "serverName", told_at as "toldAt" from audit_contradictions
    ${organizationId === undefined ? sql`` : sql`where organization_id = ${organizationId}`} order by organization_id, sequence limit 1000`;
  const found = await compareCheckpoints(ctx, held);
  return found.toSorted((a, b) => a.checkpoint.sequence - b.checkpoint.sequence);
}

export const toContradiction = ({ checkpoint, reason }: { checkpoint: HeldCheckpoint; reason: string }): AuditContradiction => ({
  sequence: checkpoint.sequence,
  at: checkpoint.at,
  server: { id: checkpoint.serverId, name: checkpoint.serverName },
  toldAt: checkpoint.toldAt.toISOString(),
  reason,
});

/**
 * Writes down a signed checkpoint that the log does not fit: once for an organisation and row, whoever tells it, with
 * at most one event an hour. @returns whether it was new
 */
export async function writeContradiction({
  ctx,
  input: { checkpoint, serverId, reason },
}: {
  ctx: Context;
  input: { checkpoint: Checkpoint; serverId: string; reason: string };
}): Promise<boolean> {
  const { organizationId, sequence, hash, at, signature } = checkpoint;
  const now = new Date(ctx.clock.now());
  const [about] = await ctx.sql<{ name: string; kept: number; lastAt: Date | null }[]>`
    select s.name, count(c.sequence)::int as kept, max(c.told_at) as "lastAt"
    from servers s left join audit_contradictions c using (organization_id) where s.id = ${serverId} and s.organization_id = ${organizationId} group by s.id`;
  if (about === undefined || about.kept >= maxKept) return false;
  return ctx.db.transaction(async (tx) => {
    const written = await tx
      .insert(auditContradictions)
      .values({ organizationId, sequence, hash, at: new Date(at), signature, serverId, serverName: about.name, toldAt: now })
      .onConflictDoNothing()
      .returning();
    if (written.length === 0) return false;
    if (about.lastAt !== null && now.getTime() - about.lastAt.getTime() < eventGapMs) return true;
    const principal = systemPrincipal(organizationId);
    // Without its group: it is about the organisation's log, for whoever sees all of the organisation.
    await writeEvent(tx, principal, {
      type: "audit.contradicted",
      subject: { kind: "server", id: serverId, name: about.name },
      data: { sequence, signedAt: at, reason },
    });
    await writeAudit(tx, principal, {
      action: "audit.contradicted",
      targetKind: "server",
      targetId: serverId,
      after: { name: about.name, sequence, hash, signedAt: at, reason },
    });
    return true;
  });
}
