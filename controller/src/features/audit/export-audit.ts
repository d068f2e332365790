import type { AuditEntry } from "@devflow/api";
import type { Principal } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";
import { type AuditFilters, readAuditRows, toEntry } from "./audit-rows.ts";

const batchRows = 500;
const columns = [
  "sequence",
  "at",
  "actor_kind",
  "actor_id",
  "actor_name",
  "address",
  "action",
  "target_kind",
  "target_id",
  "outcome",
  "before",
  "after",
  "hash",
];

/** Quoted when it has to be; what a spreadsheet would take for a formula gets a quote mark in front. */
function csvField(value: unknown): string {
  const text = value === null || value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value);
  const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

const csvLine = (entry: AuditEntry) =>
  [
    entry.sequence,
    entry.at,
    entry.actor.kind,
    entry.actor.id,
    entry.actor.name,
    entry.address,
    entry.action,
    entry.target.kind,
    entry.target.id,
    entry.outcome,
    entry.before,
    entry.after,
    entry.hash,
  ]
    .map(csvField)
    .join(",");

/** The log as a stream, newest first; rows are read as the reader takes them, so memory does not grow with the log. */
export function exportAudit({
  ctx,
  principal,
  input: { format = "ndjson", ...filters },
}: {
  ctx: Context;
  principal: Principal;
  input: AuditFilters & { format?: "ndjson" | "csv" | undefined };
}): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let before: number | null = null;
  let head = format === "csv" ? `${columns.join(",")}\r\n` : "";
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const rows = await readAuditRows(ctx, principal.organizationId, filters, { before, limit: batchRows });
        const text = rows.map(toEntry).map((entry) => (format === "csv" ? `${csvLine(entry)}\r\n` : `${JSON.stringify(entry)}\n`));
        before = rows.at(-1)?.sequence ?? null;
        if (head !== "" || text.length > 0) controller.enqueue(encoder.encode(head + text.join("")));
        head = "";
        if (rows.length < batchRows) controller.close();
      },
    },
    { highWaterMark: 0 },
  );
}
