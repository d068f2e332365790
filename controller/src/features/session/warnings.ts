import type { SpoolReport } from "@devflow/proto/session/v1/session";
import { cleanText } from "./clean-text.ts";
import type { WarningCode } from "./set-warning.ts";

/** A clock further off than this shows as a warning; below, the agent settles it by itself without anybody noticing. */
export const CLOCK_WARNING_MS = 30_000;
/** A warning about an event goes away when it did not happen again for so long. */
const QUIET_MS = 3_600_000;

type Say = (code: WarningCode, message: string | null) => void;

/**
 * Turns what one session sees into warnings; says each change once.
 * @param say stores a warning, or takes it away when the message is null
 * @param before what earlier sessions told of: batches that the spool had dropped, and warnings that stand (all of
 *   them may, when it is not known)
 * @param told stores that number
 */
export function createWarnings(
  say: Say,
  now: () => number,
  before: { readonly dropped: number; readonly warned: readonly WarningCode[] | null } = { dropped: 0, warned: null },
  told: (dropped: number) => void = () => undefined,
) {
  let { dropped } = before;
  const said = new Map<WarningCode, string | null>();
  // These two only the agent's own session sets: what does not stand need not be taken away at each connection.
  for (const code of ["clock_off", "spool_error"] as const) if (before.warned?.includes(code) === false) said.set(code, null);
  const eventAt = new Map<WarningCode, number>();
  const openedAt = now();
  let rejected = 0;
  let rejectedSaid = 0;
  let lastReason = "";

  const tell = (code: WarningCode, message: string | null): void => {
    if (said.get(code) === message) return;
    said.set(code, message);
    say(code, message);
  };
  const event = (code: WarningCode, message: string): void => {
    eventAt.set(code, now());
    tell(code, message);
  };

  const sayRejected = (): void => {
    if (rejected === rejectedSaid) return;
    rejectedSaid = rejected;
    tell(
      "batches_rejected",
      `${rejected} ${rejected === 1 ? "batch" : "batches"} of metrics refused (${lastReason}). The agent's log has the details.`,
    );
  };

  return {
    /** @param offsetMs the agent's wall clock minus the controller's */
    clock(offsetMs: number): void {
      const off = Math.abs(offsetMs) > CLOCK_WARNING_MS;
      tell(
        "clock_off",
        off
          ? `The server's clock is ${duration(Math.abs(offsetMs))} ${offsetMs > 0 ? "ahead" : "behind"}. Metrics are stored at the right time all the same; switch time synchronisation (NTP) on.`
          : null,
      );
    },
    spool(report: SpoolReport): void {
      const error = cleanText(report.error, 300);
      tell(
        "spool_error",
        error === "" ? null : `The agent cannot write its spool: ${error}. While it lasts, metrics are lost whenever the connection is.`,
      );
      const count = Number(report.dropped);
      if (count <= dropped) return;
      dropped = count;
      event(
        "spool_dropped",
        `The agent dropped ${count} batches of 10 seconds since its spool was made, because it was full or they became too old. Those metrics are lost.`,
      );
      told(count);
    },
    rejected(reason: string): void {
      rejected++;
      lastReason = reason;
      eventAt.set("batches_rejected", now());
      if (rejectedSaid === 0) sayRejected();
    },
    cloned(address: string): void {
      event(
        "cloned",
        `A second machine at ${address} uses this server's identity and was refused. If it is a copy of this one, enrol it with a token of its own; if not, revoke this server.`,
      );
    },
    /** Once a minute: says what was counted since, takes back what is over. */
    tick(): void {
      sayRejected();
      for (const code of ["spool_dropped", "batches_rejected", "cloned"] as const) {
        if (now() - (eventAt.get(code) ?? openedAt) >= QUIET_MS) tell(code, null);
      }
    },
  };
}

const duration = (ms: number): string => {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} seconds`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} minutes`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} hours`;
  return `${Math.round(seconds / 86_400)} days`;
};
