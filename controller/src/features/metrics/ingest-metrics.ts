import { RejectionReason } from "@devflow/proto/metrics/v1/metrics";
import { counter, gauge, histogram, reportHealth } from "../../platform/observability/index.ts";
import type { IngestWriter } from "./ingest-writer.ts";
import type { OpenFlush } from "./open-flush.ts";
import type { WriteResult } from "./write-flush.ts";

const reasonNames = new Map<number, string>(
  Object.entries(RejectionReason).flatMap(([name, value]) => (typeof value === "number" ? [[value, name.toLowerCase()] as const] : [])),
);

/** "too old", "malformed", … */
export const rejectionName = (reason: RejectionReason): string => (reasonNames.get(reason) ?? "unknown").replaceAll("_", " ");

/** What /metrics shows of the writer. */
export function ingestMetrics() {
  const rows = counter("devflow_ingest_rows_total", "Metric rows committed to the database");
  const batches = counter("devflow_ingest_batches_total", "Batches committed to the database");
  const rejected = counter("devflow_ingest_rejected_batches_total", "Batches refused for good", ["reason"]);
  const flushes = counter("devflow_ingest_flushes_total", "Transactions of the writer", ["result"]);
  const seconds = histogram(
    "devflow_ingest_flush_seconds",
    "Time from the begin of a flush to its commit",
    [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5],
  );
  return {
    committed(flush: OpenFlush, result: WriteResult, tookMs: number): void {
      rows.inc(flush.rows);
      batches.inc(flush.batches);
      flushes.inc({ result });
      seconds.observe(tookMs / 1000);
    },
    rejected: (reason: RejectionReason): void => rejected.inc({ reason: reasonNames.get(reason) ?? "unknown" }),
    watch(writer: IngestWriter): void {
      gauge("devflow_ingest_pending_rows", "Metric rows received and not committed yet", (g) => g.set(writer.pendingRows));
      reportHealth("metrics.database", () => ({ state: writer.health().database, sinceMs: writer.health().sinceMs }));
      gauge("devflow_ingest_database_up", "Whether the database takes metrics (1) or agents have to keep them (0)", (g) =>
        g.set(writer.health().database === "ok" ? 1 : 0),
      );
    },
  };
}
