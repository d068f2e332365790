import { formatBytes, formatDuration } from "@devflow/units";
import type { CheckpointStatus } from "../feature.ts";
import type { SessionState } from "../session/session.ts";
import type { SpoolStatus } from "../session/spool/spool.ts";

/** What the running agent tells over its socket. Times: milliseconds since 1970-01-01 UTC by the settled clock. */
export interface AgentStatus {
  readonly version: string;
  readonly pid: number;
  /** By the machine's own clock. */
  readonly startedAtMs: number;
  readonly agentId: string;
  readonly gateway: string;
  /** Name in the UI; null until the first Welcome. */
  readonly serverName: string | null;
  readonly state: SessionState;
  readonly stateSinceMs: number;
  readonly nowMs: number;
  readonly roundTripMs: number | null;
  readonly lastError: { readonly message: string; readonly atMs: number } | null;
  readonly clock: { readonly settled: boolean; readonly wallAheadMs: number };
  readonly certificateNotAfterMs: number | null;
  readonly spool: SpoolStatus;
  readonly sent: { readonly committed: number; readonly rejected: number; readonly lastRejection: string };
  /** Of the controller's audit log; null when none are kept. */
  readonly audit: CheckpointStatus | null;
  readonly warnings: readonly string[];
}

/** A wall clock that is off by more is worth a line. */
const CLOCK_OFF_MS = 2_000;

const ago = (ms: number): string => formatDuration(Math.max(0, ms) / 1000);

/** The lines of `devflow-agent status`. */
export function describe(status: AgentStatus): string[] {
  const since = ago(status.nowMs - status.stateSinceMs);
  const trip = status.roundTripMs === null ? "" : `, round trip ${ago(status.roundTripMs)}`;
  const lines = [
    status.state === "ready"
      ? `Connected to ${status.gateway} for ${since}${trip}.`
      : status.state === "draining" || status.state === "stopped"
        ? "Stopping."
        : `Not connected to ${status.gateway} for ${since}; trying again.`,
  ];
  if (status.serverName !== null) lines.push(`Server: ${status.serverName} (${status.agentId})`);
  if (status.lastError) lines.push(`Last error, ${ago(status.nowMs - status.lastError.atMs)} ago: ${status.lastError.message}`);
  const { spool, sent } = status;
  lines.push(
    spool.batches === 0
      ? "Spool: nothing waits."
      : `Spool: ${spool.batches} batches wait (${formatBytes(spool.bytes)} on disk), the oldest for ${ago(status.nowMs - spool.oldestTimeS * 1000)}.`,
  );
  if (spool.error) lines.push(`Spool: ${spool.error}`);
  if (spool.dropped > 0) lines.push(`Spool: ${spool.dropped} batches were dropped because they were too many or too old.`);
  if (spool.damaged > 0) lines.push(`Spool: ${spool.damaged} damaged records were left out.`);
  lines.push(
    `Sent since ${ago(Date.now() - status.startedAtMs)}: ${sent.committed} batches stored, ${sent.rejected} refused${sent.lastRejection ? ` (last: ${sent.lastRejection})` : ""}.`,
  );
  if (status.clock.settled && Math.abs(status.clock.wallAheadMs) > CLOCK_OFF_MS) {
    lines.push(
      `This machine's clock is ${ago(Math.abs(status.clock.wallAheadMs))} ${status.clock.wallAheadMs > 0 ? "ahead of" : "behind"} the controller's; measurements carry the controller's time.`,
    );
  }
  if (status.certificateNotAfterMs !== null) {
    const leftMs = status.certificateNotAfterMs - status.nowMs;
    lines.push(leftMs > 0 ? `Certificate: valid for ${ago(leftMs)}, renewed by itself.` : `Certificate: expired ${ago(-leftMs)} ago.`);
  }
  const { audit } = status;
  if (audit?.newest)
    lines.push(
      `Audit: ${audit.kept} ${audit.kept === 1 ? "checkpoint" : "checkpoints"} of the controller's log, the newest at row ${audit.newest.sequence}, ${ago(status.nowMs - Date.parse(audit.newest.at))} old.`,
    );
  if (audit?.refused) lines.push(`Audit: the last checkpoint was refused: ${audit.refused}.`);
  return [...lines, ...status.warnings.map((warning) => `Warning: ${warning}`), `Agent ${status.version}, process ${status.pid}.`];
}
