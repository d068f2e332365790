import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "../context.ts";
import type { Sql } from "../db/index.ts";
import { type ChainRow, chainStart, contentSql, rowHash } from "./chain-rows.ts";

const batchRows = 1_000;
/** A transaction that is open for longer is cut by the database (idle_in_transaction_session_timeout). */
const patienceMs = 20_000;

/** Where an organisation's chain ends. */
export interface ChainEnd {
  readonly organizationId: string;
  readonly sequence: number;
  readonly hash: string;
}

/**
 * Gives rows of the audit log their hashes, by organisation and in the order of sequence. A sequence is taken before
 * its transaction commits, so only rows are chained before which none can appear any more: everybody who was writing
 * when the end was looked up has to be done first; when somebody is not within 20 s, the next run goes on.
 * One chainer at a time; another one returns at once.
 * @returns the new ends, of organisations that got hashes
 */
export async function chainAudit({ ctx, waitMs = patienceMs }: { ctx: Pick<Context, "sql">; waitMs?: number }): Promise<ChainEnd[]> {
  const [last] = await ctx.sql<{ sequence: number }[]>`
    select last_value as sequence from pg_sequences where schemaname = 'public' and sequencename = 'audit_log_sequence_seq' and last_value is not null`;
  if (last === undefined) return [];
  if (!(await writersAreDone(ctx.sql, waitMs))) return [];
  const ends = new Map<string, ChainEnd>();
  for (;;) {
    const chained = await ctx.sql.begin((tx) => chainBatch(tx as unknown as Sql, last.sequence, ends));
    if (chained < batchRows) return [...ends.values()];
  }
}

/** Waits for everybody who holds the lock that inserting takes, before it takes a sequence. */
async function writersAreDone(sql: Sql, waitMs: number): Promise<boolean> {
  const writers = () =>
    sql<{ id: string }[]>`
      select virtualtransaction as id from pg_locks
      where locktype = 'relation' and relation = 'audit_log'::regclass and mode = 'RowExclusiveLock'
        and database = (select oid from pg_database where datname = current_database())`;
  let open = new Set((await writers()).map(({ id }) => id));
  for (const end = Date.now() + waitMs; open.size > 0;) {
    if (Date.now() >= end) return false;
    await sleep(25);
    const now = new Set((await writers()).map(({ id }) => id));
    open = new Set([...open].filter((id) => now.has(id)));
  }
  return true;
}

async function chainBatch(tx: Sql, upTo: number, ends: Map<string, ChainEnd>): Promise<number> {
  const [lock] = await tx<{ locked: boolean }[]>`select pg_try_advisory_xact_lock(hashtextextended('devflow.audit-chain', 0)) as locked`;
  if (lock?.locked !== true) return 0;
  const rows = await tx<(ChainRow & { organizationId: string })[]>`
    select sequence, organization_id as "organizationId", hash, ${contentSql(tx)} as content
    from audit_log where hash is null and sequence <= ${upTo} order by sequence limit ${batchRows}`;
  const hashes: { sequence: number; hash: string }[] = [];
  for (const { organizationId, sequence, content } of rows) {
    const before = ends.get(organizationId)?.hash ?? (await endBefore(tx, organizationId, sequence));
    const hash = rowHash(before, content);
    ends.set(organizationId, { organizationId, sequence, hash });
    hashes.push({ sequence, hash });
  }
  if (hashes.length > 0)
    await tx`
      update audit_log a set hash = v.hash from jsonb_to_recordset(${tx.json(hashes)}) as v (sequence bigint, hash text)
      where a.sequence = v.sequence`;
  return rows.length;
}

/** Hash of the row before, or of what retention removed last. */
async function endBefore(tx: Sql, organizationId: string, sequence: number): Promise<string> {
  const [row] = await tx<{ hash: string | null }[]>`
    select coalesce(
      (select hash from audit_log where organization_id = ${organizationId} and sequence < ${sequence} and hash is not null order by sequence desc limit 1),
      (select hash from audit_checkpoints where organization_id = ${organizationId})) as hash`;
  return row?.hash ?? chainStart;
}
