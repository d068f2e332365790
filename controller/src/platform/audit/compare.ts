import { taskSigningPublicKey } from "../crypto/index.ts";
import type { Context } from "../context.ts";
import { arrayLiteral } from "../db/index.ts";
import { type Checkpoint, isSigned, signedAt } from "./checkpoints.ts";
import { isRestored, readRestores } from "./restores.ts";

/** Retention keeps rows at least so long: what it removed cannot have been signed later than that before. */
export const shortestRetentionMs = 30 * 86_400_000;

/** Why a checkpoint does not fit; for people. */
export const misfits = {
  gone: (at: string) => `Rows up to this one were there at ${at}, when a checkpoint was signed, and are gone`,
  other: (at: string) => `This row is another one than at ${at}, when a checkpoint was signed`,
  early: (at: string) => `This row was there at ${at}, when a checkpoint was signed, and was removed before retention may remove it`,
} as const;

/** Where an organisation's chain begins since retention removed what was before. */
export type ChainBegin = Checkpoint;

/** What is wrong with a checkpoint at or before the begin of the chain; null: nothing, or nobody can tell any more. */
export function beforeBegin(begin: ChainBegin, { sequence, hash, at }: Checkpoint): keyof typeof misfits | null {
  if (sequence === begin.sequence && hash !== begin.hash) return "other";
  return Date.parse(at) > Date.parse(begin.at) - shortestRetentionMs ? "early" : null;
}

/**
 * Looks checkpoints up in the log: one query for all of them; a second one and signatures only when something does not
 * fit. Whether a checkpoint itself is signed is the caller's to check.
 * @param checkpoints at most some thousands
 * @returns those that do not fit, each with the reason; what an accepted restore took away is not among them
 */
export async function compareCheckpoints<T extends Checkpoint>(
  ctx: Pick<Context, "sql" | "config">,
  checkpoints: readonly T[],
): Promise<{ checkpoint: T; reason: string }[]> {
  if (checkpoints.length === 0) return [];
  const { sql } = ctx;
  const rows = await sql<{ no: number; hash: string | null; begin: Checkpoint | null }[]>`
    with asked as (
      select * from unnest(${arrayLiteral(checkpoints.map((c) => c.organizationId))}::uuid[], ${arrayLiteral(checkpoints.map((c) => c.sequence))}::bigint[],
        ${arrayLiteral(checkpoints.map((c) => c.hash))}::text[]) with ordinality as t (organization_id, sequence, hash, no)
    )
    select (a.no - 1)::int as no, l.hash, (
      select jsonb_build_object('organizationId', organization_id, 'sequence', sequence, 'hash', hash, 'at', ${signedAt(sql)}, 'signature', signature)
      from audit_checkpoints where organization_id = a.organization_id) as begin
    from asked a left join audit_log l on l.sequence = a.sequence and l.organization_id = a.organization_id
    where l.hash is distinct from a.hash`;
  if (rows.length === 0) return [];
  const publicSpki = await taskSigningPublicKey(ctx.config);
  const signed = new Map<string, boolean>();
  const trusted = (begin: Checkpoint): boolean => {
    const known = signed.get(begin.organizationId) ?? isSigned(publicSpki, begin);
    signed.set(begin.organizationId, known);
    return known;
  };
  const found: { checkpoint: T; reason: string }[] = [];
  for (const { no, hash, begin } of rows) {
    const checkpoint = checkpoints[no] as T;
    const wrong =
      begin !== null && checkpoint.sequence <= begin.sequence && trusted(begin)
        ? beforeBegin(begin, checkpoint)
        : hash === null
          ? "gone"
          : "other";
    if (wrong !== null) found.push({ checkpoint, reason: misfits[wrong](checkpoint.at) });
  }
  const organizationIds = [...new Set(found.map(({ checkpoint }) => checkpoint.organizationId))];
  const restores = found.length === 0 ? [] : await readRestores(ctx, organizationIds);
  return found.filter(({ checkpoint }) => !isRestored(restores, checkpoint));
}
