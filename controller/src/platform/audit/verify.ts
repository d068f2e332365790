import type { AuditVerification } from "@devflow/api";
import type { Context } from "../context.ts";
import { taskSigningPublicKey } from "../crypto/index.ts";
import { type ChainRow, chainStart, contentSql, rowHash } from "./chain-rows.ts";
import { type Checkpoint, isSigned, readCheckpoints } from "./checkpoints.ts";

const batchRows = 1_000;

/**
 * Computes an organisation's chain anew and compares it with what is stored, and with the signed checkpoints of this
 * machine's data folder. Reads in batches; memory does not grow with the log.
 * @returns the first row that does not fit, with why
 */
export async function verifyAudit({
  ctx,
  input: { organizationId },
}: {
  ctx: Pick<Context, "sql" | "config">;
  input: { organizationId: string };
}): Promise<AuditVerification> {
  const { sql, config } = ctx;
  const publicSpki = await taskSigningPublicKey(config).catch(() => null);
  const file = await readCheckpoints(config, organizationId);
  const checkpoints = new Map<number, Checkpoint>();
  let unsigned = 0;
  for (const checkpoint of file ?? []) {
    if (publicSpki !== null && isSigned(publicSpki, checkpoint)) checkpoints.set(checkpoint.sequence, checkpoint);
    else unsigned += 1;
  }
  const base = { checkedCheckpoints: checkpoints.size, unsignedCheckpoints: unsigned };
  const [start] = await sql<Checkpoint[]>`
    select organization_id as "organizationId", sequence, hash, to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at, signature
    from audit_checkpoints where organization_id = ${organizationId}`;
  let before = start?.hash ?? chainStart;
  let last = start?.sequence ?? 0;
  let rows = 0;
  const result = (problem: AuditVerification["problem"], unchained = 0): AuditVerification => ({ ...base, rows, unchained, problem });
  if (start !== undefined && publicSpki !== null && !isSigned(publicSpki, start))
    return result({
      sequence: start.sequence,
      reason: "The place where older rows were removed by retention is not signed by this installation",
    });
  for (;;) {
    const batch = await sql<ChainRow[]>`
      select sequence, hash, ${contentSql(sql)} as content from audit_log
      where organization_id = ${organizationId} and sequence > ${last} order by sequence limit ${batchRows}`;
    for (const { sequence, hash, content } of batch) {
      if (hash === null) {
        const [later] = await sql<{ n: number; chained: boolean }[]>`
          select count(*)::int as n, bool_or(hash is not null) as chained from audit_log where organization_id = ${organizationId} and sequence >= ${sequence}`;
        if (later?.chained)
          return result({ sequence, reason: "This row has no hash and later ones have: it was put in, or its hash was removed" });
        return result(cutTail(checkpoints, last), later?.n ?? 0);
      }
      if (rowHash(before, content) !== hash)
        return result({
          sequence,
          reason: "This row does not follow from the one before: one of them was changed, removed, put in or moved",
        });
      const checkpoint = checkpoints.get(sequence);
      if (checkpoint !== undefined && checkpoint.hash !== hash)
        return result({ sequence, reason: `This row is another one than at ${checkpoint.at}, when a checkpoint was signed` });
      before = hash;
      last = sequence;
      rows += 1;
    }
    if (batch.length < batchRows) return result(cutTail(checkpoints, last));
  }
}

/** A checkpoint behind the end tells that rows were cut off. */
function cutTail(checkpoints: Map<number, Checkpoint>, last: number): AuditVerification["problem"] {
  const newest = [...checkpoints.values()].findLast(({ sequence }) => sequence > last);
  if (newest === undefined) return null;
  return {
    sequence: newest.sequence,
    reason: `Rows up to this one were there at ${newest.at}, when a checkpoint was signed, and are gone`,
  };
}
