import type { Principal } from "../auth/principal.ts";
import { beforeCommit, type Database } from "../db/index.ts";

export interface AuditEntry {
  /** "servers.revoke" */
  action: string;
  targetKind: string;
  targetId: string;
  outcome?: "done" | "refused";
  /** State before and after, without secrets. */
  before?: unknown;
  after?: unknown;
}

/**
 * Writes one audit row; pass the transaction of the change, so that there is never one without the other. It is written
 * as the last of the transaction, together with its events.
 */
export const writeAudit = (tx: Pick<Database, "insert">, principal: Principal, entry: AuditEntry): Promise<void> =>
  writeAudits(tx, principal, [entry]);

/** As writeAudit, up to 1,000 rows in one statement, in their order. */
export async function writeAudits(tx: Pick<Database, "insert">, principal: Principal, entries: readonly AuditEntry[]): Promise<void> {
  if (entries.length === 0) return;
  const rows = entries.map((entry) => ({
    organization_id: principal.organizationId,
    actor_kind: principal.kind,
    actor_id: principal.id,
    actor_name: principal.name,
    address: principal.address,
    request_id: principal.requestId,
    action: entry.action,
    target_kind: entry.targetKind,
    target_id: entry.targetId,
    outcome: entry.outcome ?? "done",
    before: entry.before ?? null,
    after: entry.after ?? null,
  }));
  // By hand: each change writes one, and drizzle takes several times as long to put it into words.
  await beforeCommit(
    tx,
    (sql) => sql`
    insert into audit_log (organization_id, actor_kind, actor_id, actor_name, address, request_id, action, target_kind, target_id, outcome, before, after)
    select organization_id, actor_kind, actor_id, actor_name, address, request_id, action, target_kind, target_id, outcome, before, after
    from rows from (jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb) as (
      organization_id uuid, actor_kind text, actor_id text, actor_name text, address text, request_id text, action text, target_kind text, target_id text,
      outcome text, before jsonb, after jsonb)) with ordinality order by ordinality`,
  );
}
