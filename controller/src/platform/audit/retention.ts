import type { Context } from "../context.ts";
import { loadTaskSigningKey } from "../crypto/index.ts";
import type { Sql } from "../db/index.ts";
import { appendCheckpoints, signCheckpoint } from "./checkpoints.ts";
import type { ChainEnd } from "./chain.ts";

const defaultDays = 365;
const batchRows = 5_000;

/** For how many days the audit log is kept; setting "retention" of the installation. */
export async function auditRetentionDays(ctx: Pick<Context, "sql">): Promise<number> {
  const [row] = await ctx.sql<{ days: number | null }[]>`select (value->>'auditDays')::int as days from settings where key = 'retention'`;
  return row?.days ?? defaultDays;
}

/**
 * Signs where chains end now and notes it in the data folder, then in the database for the gateways; needs the role
 * signer, whose key is on this machine.
 */
export async function noteCheckpoints(ctx: Pick<Context, "config" | "clock" | "sql">, ends: readonly ChainEnd[]): Promise<void> {
  if (ends.length === 0 || !ctx.config.roles.has("signer")) return;
  const key = await loadTaskSigningKey(ctx.config);
  const at = new Date(ctx.clock.now());
  const signed = ends.map((end) => signCheckpoint(key, end, at));
  await appendCheckpoints(ctx.config, signed);
  await ctx.sql`
    insert into audit_ends (organization_id, sequence, hash, at, signature)
    select e."organizationId", e.sequence, e.hash, e.at, e.signature
    from jsonb_to_recordset(${ctx.sql.json(signed as never)}) as e ("organizationId" uuid, sequence bigint, hash text, at timestamptz, signature text)
    join organizations o on o.id = e."organizationId"
    on conflict (organization_id) do update set sequence = excluded.sequence, hash = excluded.hash, at = excluded.at, signature = excluded.signature`;
}

/**
 * Deletes rows past their time, the oldest first. Where an organisation's chain begins from then on is signed in the
 * same transaction, so that what retention removed differs from what somebody cut off. Returns how many.
 */
export async function deleteOldAudit({ ctx }: { ctx: Pick<Context, "sql" | "config" | "clock"> }): Promise<number> {
  if (!ctx.config.roles.has("signer")) return 0;
  const key = await loadTaskSigningKey(ctx.config);
  const now = new Date(ctx.clock.now());
  const oldest = new Date(ctx.clock.now() - (await auditRetentionDays(ctx)) * 86_400_000);
  let total = 0;
  for (const { id } of await ctx.sql<{ id: string }[]>`select id from organizations`) {
    for (;;) {
      const deleted = await ctx.sql.begin(async (transaction) => {
        const tx = transaction as unknown as Sql;
        // Up to the first that stays: a chain has no holes.
        const rows = await tx<{ sequence: number; hash: string }[]>`
          select sequence, hash from audit_log where organization_id = ${id} and hash is not null
            and sequence < coalesce((select min(sequence) from audit_log where organization_id = ${id} and (at >= ${oldest} or hash is null)), 9223372036854775807)
          order by sequence limit ${batchRows} for update`;
        const last = rows.at(-1);
        if (last === undefined) return 0;
        await tx`delete from audit_log where organization_id = ${id} and sequence <= ${last.sequence}`;
        const { sequence, hash, signature } = signCheckpoint(key, { organizationId: id, ...last }, now);
        await tx`
          insert into audit_checkpoints (organization_id, sequence, hash, at, signature) values (${id}, ${sequence}, ${hash}, ${now}, ${signature})
          on conflict (organization_id) do update set sequence = excluded.sequence, hash = excluded.hash, at = excluded.at, signature = excluded.signature`;
        return rows.length;
      });
      total += deleted;
      if (deleted < batchRows) break;
    }
  }
  return total;
}
