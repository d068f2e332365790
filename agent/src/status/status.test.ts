import { expect, test } from "vitest";
import { describe, type AgentStatus } from "./status.ts";

const NOW = Date.UTC(2026, 0, 1);
const status = (change: Partial<AgentStatus> = {}): AgentStatus => ({
  version: "0.1.0",
  pid: 42,
  startedAtMs: Date.now() - 7_200_000,
  agentId: "a",
  gateway: "c:8443",
  serverName: "web-1",
  state: "ready",
  stateSinceMs: NOW - 3_600_000,
  nowMs: NOW,
  roundTripMs: 12,
  lastError: null,
  clock: { settled: true, wallAheadMs: 0 },
  certificateNotAfterMs: NOW + 10 * 86_400_000,
  spool: { batches: 0, bytes: 0, oldestTimeS: 0, dropped: 0, damaged: 0, error: "" },
  sent: { committed: 720, rejected: 0, lastRejection: "" },
  audit: null,
  warnings: [],
  ...change,
});

test("all is well in six lines", () => {
  expect(describe(status())).toEqual([
    "Connected to c:8443 for 1 h, round trip 12 ms.",
    "Server: web-1 (a)",
    "Spool: nothing waits.",
    "Sent since 2 h: 720 batches stored, 0 refused.",
    "Certificate: valid for 10 d, renewed by itself.",
    "Agent 0.1.0, process 42.",
  ]);
});

test("what is wrong is said", () => {
  const lines = describe(
    status({
      state: "waiting",
      lastError: { message: "Nothing listens", atMs: NOW - 5_000 },
      spool: { batches: 360, bytes: 700_000, oldestTimeS: NOW / 1000 - 3_600, dropped: 2, damaged: 1, error: "No space left" },
      sent: { committed: 1, rejected: 2, lastRejection: "too old: 80 h" },
      clock: { settled: true, wallAheadMs: -3_600_000 },
      certificateNotAfterMs: NOW - 86_400_000,
      audit: {
        kept: 2,
        newest: { sequence: 7, at: new Date(NOW - 60_000).toISOString() },
        oldest: { sequence: 5, at: new Date(NOW - 120_000).toISOString() },
        refused: "the controller's log went back",
      },
      warnings: ["another key"],
    }),
  ).join("\n");
  for (const words of [
    "Not connected to c:8443 for 1 h; trying again.",
    "Last error, 5 s ago: Nothing listens",
    "Spool: 360 batches wait (684 KiB on disk), the oldest for 1 h.",
    "Spool: No space left",
    "Spool: 2 batches were dropped",
    "Spool: 1 damaged records were left out.",
    "2 refused (last: too old: 80 h)",
    "This machine's clock is 1 h behind the controller's",
    "Certificate: expired 1 d ago.",
    "Audit: 2 checkpoints of the controller's log, the newest at row 7, 1 min old.",
    "Audit: the last checkpoint was refused: the controller's log went back.",
    "Warning: another key",
  ]) {
    expect(lines).toContain(words);
  }
});
