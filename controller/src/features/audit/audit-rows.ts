import type { AuditEntry, auditExportQuery } from "@devflow/api";
import type { z } from "zod";
import type { Context } from "../../platform/context.ts";

export type AuditFilters = Omit<z.output<typeof auditExportQuery>, "format">;

/** A row of the log as the API shows it. */
export interface AuditRow extends Omit<AuditEntry, "actor" | "target" | "at"> {
  readonly at: Date;
  readonly actorKind: string;
  readonly actorId: string;
  readonly actorName: string;
  readonly targetKind: string;
  readonly targetId: string;
}

export const toEntry = ({ actorKind, actorId, actorName, targetKind, targetId, at, ...row }: AuditRow): AuditEntry => ({
  ...row,
  at: at.toISOString(),
  actor: { kind: actorKind, id: actorId, name: actorName },
  target: { kind: targetKind, id: targetId },
});

/** Text in a LIKE pattern, taken as it is. */
const literal = (text: string) => text.replaceAll(/[\\%_]/g, String.raw`\$&`);

/** Up to `limit` rows before a sequence (null: the newest), newest first. */
export async function readAuditRows(
  { sql }: Pick<Context, "sql">,
  organizationId: string,
  filters: AuditFilters,
  { before, limit }: { before: number | null; limit: number },
): Promise<AuditRow[]> {
  const { actor, action, targetKind, targetId, outcome, from, to, q } = filters;
  const like = q === undefined ? "" : `%${literal(q)}%`;
  return sql<AuditRow[]>`
    select sequence, at, actor_kind as "actorKind", actor_id as "actorId", actor_name as "actorName", address, request_id as "requestId",
      action, target_kind as "targetKind", target_id as "targetId", outcome, before, after, hash
    from audit_log
    where organization_id = ${organizationId}
      ${before === null ? sql`` : sql`and sequence < ${before}::bigint`}
      ${actor === undefined ? sql`` : sql`and (actor_id = ${actor} or actor_name = ${actor})`}
      ${action === undefined ? sql`` : action.endsWith(".") ? sql`and action like ${`${literal(action)}%`}` : sql`and action = ${action}`}
      ${targetKind === undefined ? sql`` : sql`and target_kind = ${targetKind}`}
      ${targetId === undefined ? sql`` : sql`and target_id = ${targetId}`}
      ${outcome === undefined ? sql`` : sql`and outcome = ${outcome}`}
      ${from === undefined ? sql`` : sql`and at >= ${from}::text::timestamptz`}
      ${to === undefined ? sql`` : sql`and at < ${to}::text::timestamptz`}
      ${q === undefined ? sql`` : sql`and (action ilike ${like} or actor_name ilike ${like} or address ilike ${like} or target_kind ilike ${like} or target_id ilike ${like} or before::text ilike ${like} or after::text ilike ${like})`}
    order by sequence desc limit ${limit}`;
}
