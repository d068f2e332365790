import { z } from "zod";
import { askedTime, id, page, pageQuery, time } from "./platform.ts";

/** One change, or what somebody was refused. */
export const auditEntry = z
  .object({
    /** Grows with time; the place in the organisation's chain. */
    sequence: z.int(),
    at: time,
    actor: z.object({ kind: z.string(), id: z.string(), name: z.string() }),
    /** Where the request came from; null: the controller itself. */
    address: z.string().nullable(),
    requestId: z.string().nullable(),
    /** "servers.revoke"; of refusals the route. */
    action: z.string(),
    target: z.object({ kind: z.string(), id: z.string() }),
    outcome: z.enum(["done", "refused"]),
    /** What was there before and after, without secrets. */
    before: z.unknown().nullable(),
    after: z.unknown().nullable(),
    /** SHA-256 over the row before and this one; null until the next minute. */
    hash: z.string().nullable(),
  })
  .meta({ id: "AuditEntry" });
export type AuditEntry = z.infer<typeof auditEntry>;
export const auditPage = page(auditEntry).meta({ id: "AuditPage" });

const filters = {
  /** Id or name of who did it, exactly. */
  actor: z.string().max(254).optional(),
  /** "servers.revoke", or "servers." for all that begins so. */
  action: z.string().max(200).optional(),
  targetKind: z.string().max(50).optional(),
  targetId: z.string().max(200).optional(),
  outcome: z.enum(["done", "refused"]).optional(),
  from: askedTime.optional(),
  to: askedTime.optional(),
  /** Text anywhere in who, what, address, before and after. */
  q: z.string().max(200).optional(),
};

/** Query of GET /api/v1/audit: newest first. */
export const auditListQuery = pageQuery.extend(filters);
/** Query of GET /api/v1/audit/export: all of it, newest first. */
export const auditExportQuery = z.object({ ...filters, format: z.enum(["ndjson", "csv"]).optional() });

/** A signed checkpoint that a server holds and that the log does not have: it was changed, or the database put back to an older state. */
export const auditContradiction = z
  .object({
    sequence: z.int(),
    /** When the checkpoint was signed. */
    at: time,
    server: z.object({ id, name: z.string() }),
    /** When the server handed it over. */
    toldAt: time,
    reason: z.string(),
  })
  .meta({ id: "AuditContradiction" });
export type AuditContradiction = z.infer<typeof auditContradiction>;
export const auditContradictionList = z.object({ items: z.array(auditContradiction) }).meta({ id: "AuditContradictionList" });

/** What checking the chain came to. */
export const auditVerification = z
  .object({
    /** Rows whose hash was computed anew. */
    rows: z.int(),
    /** The newest rows, which get their hash within a minute. */
    unchained: z.int(),
    /** Signed checkpoints of this controller's data folder that were compared. */
    checkedCheckpoints: z.int(),
    /** Checkpoints that this installation did not sign, or whose key is not on this machine. */
    unsignedCheckpoints: z.int(),
    /** What servers hold against the log, at most 100. */
    contradictions: z.array(auditContradiction),
    /** When the database was put back to an older state and that was accepted: rows after that one, of before that time, are gone. */
    restores: z.array(z.object({ afterSequence: z.int(), at: time })),
    /** The first row that does not fit; null: all do. */
    problem: z.object({ sequence: z.int(), reason: z.string() }).nullable(),
  })
  .meta({ id: "AuditVerification" });
export type AuditVerification = z.infer<typeof auditVerification>;

export const auditRetention = z.object({ days: z.int().min(30).max(36_500) }).meta({ id: "AuditRetention" });
export type AuditRetention = z.infer<typeof auditRetention>;
