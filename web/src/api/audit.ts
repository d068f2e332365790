import type { AuditContradiction, AuditEntry, AuditVerification, TimeCounts } from "@devflow/api";
import { address, call } from "./client.ts";

const v1 = "/api/v1/audit";

/** What the log is narrowed to; times are RFC 3339 UTC, `to` exclusive. */
export interface AuditQuery {
  q?: string | undefined;
  outcome?: "done" | "refused" | undefined;
  from?: string | undefined;
  to?: string | undefined;
}

/** The organisation's audit log. */
export const auditApi = {
  entries: (query: AuditQuery, cursor?: string) =>
    call<{ items: AuditEntry[]; nextCursor: string | null }>("GET", v1, { query: { ...query, cursor, limit: 50 } }),
  counts: (from?: string) => call<TimeCounts>("GET", `${v1}/counts`, { query: { from } }),
  contradictions: () => call<{ items: AuditContradiction[] }>("GET", `${v1}/contradictions`),
  verify: () => call<AuditVerification>("POST", `${v1}/verify`),
};

/** Address of a download of all that a query finds. */
export const auditExport = (query: AuditQuery, format: "ndjson" | "csv"): string => address(`${v1}/export`, { ...query, format });
