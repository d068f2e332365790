import type { AuditVerification } from "@devflow/api";
import type { Context } from "../context.ts";
import { taskSigningPublicKey } from "../crypto/index.ts";
import { type ChainRow, chainStart, contentSql, rowHash } from "./chain-rows.ts";
import { type Checkpoint, checkpointColumns, isSigned, readCheckpoints } from "./checkpoints.ts";
import { beforeBegin, misfits } from "./compare.ts";
import { type HeldCheckpoint, readContradictions, toContradiction } from "./contradictions.ts";
import { isRestored, readRestores } from "./restores.ts";

const batchRows = 1_000;

type Problem = AuditVerification["problem"];

/** A checkpoint with words about who has it. */
interface Expected extends Checkpoint {
  readonly heldBy: string;
}

/**
 * Computes an organisation's chain anew and compares it with what is stored, and with signed checkpoints: of this
 * machine's data folder, of servers that contradicted, and of `held`. Reads in batches; memory does not grow with the log.
 * @returns the first row that does not fit, with why
 */
export async function verifyAudit({
  ctx,
  input: { organizationId, held = [] },
}: {
  ctx: Pick<Context, "sql" | "config">;
  input: {
    organizationId: string;
    /** What a server holds, as somebody brought it. */
    held?: readonly Checkpoint[];
  };
}): Promise<AuditVerification> {
  const { sql, config } = ctx;
  const publicSpki = await taskSigningPublicKey(config).catch(() => null);
  const [file, contradictions, restores] = await Promise.all([
    readCheckpoints(config, organizationId),
    readContradictions({ ctx, organizationId }),
    publicSpki === null ? [] : readRestores(ctx, [organizationId]),
  ]);
  const expected: Expected[] = [];
  let unsigned = 0;
  const brought = [
    ...(file ?? []).map((one) => ({ ...one, heldBy: "" })),
    ...held.map((one) => ({ ...one, heldBy: ", of the given file" })),
  ];
  for (const one of [...brought, ...contradictions.map(({ checkpoint }) => ({ ...checkpoint, heldBy: heldByServer(checkpoint) }))]) {
    if (publicSpki === null || !isSigned(publicSpki, one)) unsigned += 1;
    else if (!isRestored(restores, one)) expected.push(one);
  }
  expected.sort((a, b) => a.sequence - b.sequence);
  const base = {
    checkedCheckpoints: new Set(expected.map(({ sequence, hash }) => `${sequence} ${hash}`)).size,
    unsignedCheckpoints: unsigned,
    contradictions: contradictions.slice(0, 100).map(toContradiction),
    restores: restores.map(({ afterSequence, at }) => ({ afterSequence, at })),
  };
  const [start] = await sql<
    Checkpoint[]
  >`select ${checkpointColumns(sql)} from audit_checkpoints where organization_id = ${organizationId}`;
  let before = start?.hash ?? chainStart;
  let last = start?.sequence ?? 0;
  let rows = 0;
  const result = (problem: Problem, unchained = 0): AuditVerification => ({ ...base, rows, unchained, problem });
  if (start !== undefined && publicSpki !== null && !isSigned(publicSpki, start))
    return result({
      sequence: start.sequence,
      reason: "The place where older rows were removed by retention is not signed by this installation",
    });
  let next = 0;
  for (let one = expected[next]; start !== undefined && one !== undefined && one.sequence <= start.sequence; one = expected[++next]) {
    const wrong = beforeBegin(start, one);
    if (wrong !== null) return result(misfit(wrong, one));
  }
  /** The first checkpoint up to a row that does not fit it; what lies between two rows was there and is not any more. */
  const upTo = (sequence: number, hash: string): Problem => {
    for (let one = expected[next]; one !== undefined && one.sequence <= sequence; one = expected[++next]) {
      if (one.sequence < sequence) return misfit("gone", one);
      if (one.hash !== hash) return misfit("other", one);
    }
    return null;
  };
  /** A checkpoint behind the end tells that rows were cut off. */
  const cutTail = (): Problem => {
    const newest = expected.length > next ? expected.at(-1) : undefined;
    return newest === undefined ? null : misfit("gone", newest);
  };
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
        return result(cutTail(), later?.n ?? 0);
      }
      if (rowHash(before, content) !== hash)
        return result({
          sequence,
          reason: "This row does not follow from the one before: one of them was changed, removed, put in or moved",
        });
      const problem = upTo(sequence, hash);
      if (problem !== null) return result(problem);
      before = hash;
      last = sequence;
      rows += 1;
    }
    if (batch.length < batchRows) return result(cutTail());
  }
}

const heldByServer = ({ serverName }: HeldCheckpoint): string => `, which server ${serverName} holds`;

const misfit = (wrong: keyof typeof misfits, { sequence, at, heldBy }: Expected): Problem => ({
  sequence,
  reason: `${misfits[wrong](at)}${heldBy}`,
});
