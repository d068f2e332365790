import { loadTaskSigningKey, type TaskSigningKey, taskSigningPublicKey } from "../crypto/index.ts";
import { systemPrincipal } from "../auth/system-principal.ts";
import type { Context } from "../context.ts";
import { arrayLiteral, type Database } from "../db/index.ts";
import { type Checkpoint, isSignedBy, signedAt } from "./checkpoints.ts";
import { writeAudit } from "./index.ts";
import { auditRestores } from "./schema.ts";

/** That the database was put back to an older state, and that people know it. */
export interface Restore {
  readonly organizationId: string;
  /** The last row that the older state has. */
  readonly afterSequence: number;
  /** RFC 3339. */
  readonly at: string;
}

const bytesOf = ({ organizationId, afterSequence, at }: Restore): Buffer =>
  Buffer.from(`devflow audit restore 1\n${organizationId}\n${afterSequence}\n${at}\n`);

/** Whether a checkpoint speaks of rows that an accepted restore took away. */
export const isRestored = (
  restores: readonly Restore[],
  { organizationId, sequence, at }: Omit<Checkpoint, "hash" | "signature">,
): boolean => restores.some((r) => r.organizationId === organizationId && sequence > r.afterSequence && Date.parse(at) <= Date.parse(r.at));

/** Accepted restores of organisations, oldest first; what this installation did not sign is left out. */
export async function readRestores(
  { sql, config }: Pick<Context, "sql" | "config">,
  organizationIds: readonly string[],
): Promise<Restore[]> {
  const rows = await sql<(Restore & { signature: string })[]>`
    select organization_id as "organizationId", after_sequence as "afterSequence", ${signedAt(sql)} as at, signature
    from audit_restores where organization_id = any(${arrayLiteral(organizationIds)}::uuid[]) order by audit_restores.at`;
  if (rows.length === 0) return [];
  const publicSpki = await taskSigningPublicKey(config);
  return rows.filter((row) => isSignedBy(publicSpki, bytesOf(row), row.signature));
}

/**
 * Says for each organisation that rows behind its present end went with a restore, or behind the last one before what a
 * server contradicted, when controllers ran meanwhile; older checkpoints of them are silent from then on. All controllers are stopped meanwhile.
 * Returns what was said; whoever calls writes it into the log when sequences are moved on (noteRestores).
 */
export async function acceptRestore({ ctx }: { ctx: Pick<Context, "sql" | "db" | "config" | "clock"> }): Promise<Restore[]> {
  const key = await loadTaskSigningKey(ctx.config);
  const now = new Date(ctx.clock.now());
  const restores = await ctx.sql<{ organizationId: string; afterSequence: number }[]>`
    select o.id as "organizationId", greatest(
      (select max(l.sequence) from audit_log l where l.organization_id = o.id
        and l.sequence < coalesce((select min(c.sequence) from audit_contradictions c where c.organization_id = o.id), 9223372036854775807)),
      (select k.sequence from audit_checkpoints k where k.organization_id = o.id), 0) as "afterSequence"
    from organizations o order by o.created_at`;
  const signed = restores.map((restore) => sign(key, { ...restore, at: now.toISOString() }));
  await ctx.db.transaction(async (tx) => {
    for (let i = 0; i < signed.length; i += 1_000)
      await tx.insert(auditRestores).values(signed.slice(i, i + 1_000).map((one) => ({ ...one, at: now })));
  });
  return signed;
}

const sign = (key: TaskSigningKey, restore: Restore) => ({ ...restore, signature: key.sign(bytesOf(restore)).toString("base64") });

/** Writes accepted restores into their organisations' logs, and takes away what servers told until then. */
export async function noteRestores({
  db,
  sql,
  restores,
}: {
  db: Database;
  sql: Context["sql"];
  restores: readonly Restore[];
}): Promise<void> {
  for (const { organizationId, afterSequence, at } of restores)
    await writeAudit(db, systemPrincipal(organizationId, "devflow admin"), {
      action: "audit.accept-restore",
      targetKind: "organization",
      targetId: organizationId,
      after: { afterSequence, at },
    });
  await sql`delete from audit_contradictions c using audit_restores r
    where r.organization_id = c.organization_id and c.sequence > r.after_sequence and c.at <= r.at`;
}
