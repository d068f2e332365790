import {
  auditContradictionList,
  auditExportQuery,
  auditListQuery,
  auditPage,
  auditRetention,
  auditVerification,
  timeCounts,
  timeCountsQuery,
} from "@devflow/api";
import { chainAudit } from "../../platform/audit/chain.ts";
import { readContradictions, toContradiction } from "../../platform/audit/contradictions.ts";
import { verifyAudit } from "../../platform/audit/verify.ts";
import type { Context } from "../../platform/context.ts";
import { type Api, defineRoute, Reply } from "../../platform/http/index.ts";
import { countAudit } from "./count-audit.ts";
import { exportAudit } from "./export-audit.ts";
import { listAudit } from "./list-audit.ts";
import { putAuditRetention, readAuditRetention } from "./retention.ts";

const common = { permission: "audit.read", tag: "audit" } as const;
const retention = { path: "/api/v1/settings/audit-retention", permission: "installation.manage", tag: "settings" } as const;

const list = defineRoute({
  ...common,
  method: "get",
  path: "/api/v1/audit",
  summary: "Who changed what, and who was refused, newest first",
  query: auditListQuery,
  response: auditPage,
});
const counts = defineRoute({
  ...common,
  method: "get",
  path: "/api/v1/audit/counts",
  summary: "How many changes were done and refused, by the hour or day",
  query: timeCountsQuery,
  response: timeCounts,
});
const exportAll = defineRoute({
  ...common,
  method: "get",
  path: "/api/v1/audit/export",
  summary: "The audit log as a stream of JSON lines or CSV",
  query: auditExportQuery,
  response: null,
  mediaType: ["application/x-ndjson", "text/csv"],
});
const verify = defineRoute({
  ...common,
  method: "post",
  path: "/api/v1/audit/verify",
  summary: "Check the audit log's chain, and tell the first row that does not fit",
  response: auditVerification,
  idempotent: false,
});
const contradictions = defineRoute({
  ...common,
  method: "get",
  path: "/api/v1/audit/contradictions",
  summary: "Signed checkpoints that servers hold and the log does not fit",
  response: auditContradictionList,
});
const readRetention = defineRoute({
  ...retention,
  method: "get",
  summary: "For how long the audit log is kept",
  response: auditRetention,
});
const changeRetention = defineRoute({
  ...retention,
  method: "put",
  summary: "Settle for how long the audit log is kept",
  stepUp: true,
  body: auditRetention,
  response: auditRetention,
});

export function auditRoutes(api: Api, ctx: Context): void {
  api.route(list, ({ principal, query }) => listAudit({ ctx, principal, input: query }));
  api.route(counts, ({ principal, query }) => countAudit({ ctx, principal, input: query }));
  api.route(exportAll, async ({ principal, query }) => {
    const csv = query.format === "csv";
    return new Reply(exportAudit({ ctx, principal, input: query }), [
      ["content-type", csv ? "text/csv; charset=utf-8" : "application/x-ndjson"],
      ["content-disposition", `attachment; filename="audit.${csv ? "csv" : "ndjson"}"`],
      ["cache-control", "no-store"],
    ]);
  });
  api.route(verify, async ({ principal }) => {
    await chainAudit({ ctx, waitMs: 2_000 });
    return verifyAudit({ ctx, input: { organizationId: principal.organizationId } });
  });
  api.route(contradictions, async ({ principal: { organizationId } }) => ({
    items: (await readContradictions({ ctx, organizationId })).slice(0, 100).map(toContradiction),
  }));
  api.route(readRetention, () => readAuditRetention({ ctx }));
  api.route(changeRetention, ({ principal, body }) => putAuditRetention({ ctx, principal, input: body }));
}
