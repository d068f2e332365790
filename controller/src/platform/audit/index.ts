import type { Principal } from "../auth/principal.ts";
import type { Database } from "../db/index.ts";
import { auditLog } from "./schema.ts";

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

/** Writes one audit row; pass the transaction of the change, so that there is never one without the other. */
export const writeAudit = (tx: Pick<Database, "insert">, principal: Principal, entry: AuditEntry): Promise<void> =>
  writeAudits(tx, principal, [entry]);

/** As writeAudit, up to 1,000 rows in one statement, in their order. */
export async function writeAudits(tx: Pick<Database, "insert">, principal: Principal, entries: readonly AuditEntry[]): Promise<void> {
  if (entries.length === 0) return;
  await tx.insert(auditLog).values(
    entries.map((entry) => ({
      organizationId: principal.organizationId,
      actorKind: principal.kind,
      actorId: principal.id,
      actorName: principal.name,
      address: principal.address,
      requestId: principal.requestId,
      action: entry.action,
      targetKind: entry.targetKind,
      targetId: entry.targetId,
      outcome: entry.outcome ?? "done",
      before: entry.before ?? null,
      after: entry.after ?? null,
    })),
  );
}
