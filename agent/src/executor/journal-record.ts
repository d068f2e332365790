import { crc32 } from "node:zlib";

/** How a run ended. */
export interface RunOutcome {
  readonly state: "succeeded" | "failed" | "cancelled" | "lost" | "not_started";
  /** Of the process; null when there was none, or a signal ended it. */
  readonly exitCode: number | null;
  /** Stable code and a sentence; null after success. */
  readonly error: { readonly code: string; readonly message: string } | null;
  /** As the type's result schema says; null when there is none. */
  readonly result: unknown;
}

/** The process that a run started, so that it can be told from a later one of that number. */
export interface RunProcess {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat: ticks since the machine started. */
  readonly startTicks: number;
  /** Of the kernel that it ran under: after a reboot nothing of it is left. */
  readonly bootId: string;
  /** Its cgroup's folder; null where there is none of its own. */
  readonly cgroup: string | null;
}

/** One line of the journal. Times are milliseconds since 1970-01-01 UTC. */
export type JournalRecord =
  /** Nothing that was signed before this may start: the journal was damaged and may have forgotten runs. */
  | { readonly kind: "floor"; readonly atMs: number }
  | { readonly kind: "accepted"; readonly runId: string; readonly atMs: number; readonly type: string; readonly expiresMs: number }
  | { readonly kind: "started"; readonly runId: string; readonly atMs: number; readonly process: RunProcess | null }
  | { readonly kind: "ended"; readonly runId: string; readonly atMs: number; readonly outcome: RunOutcome }
  /** The controller has stored the outcome. */
  | { readonly kind: "stored"; readonly runId: string; readonly atMs: number };

/** CRC-32 in hexadecimal, a space, the record as JSON, a line feed. */
export function encodeRecord(record: JournalRecord): string {
  const json = JSON.stringify(record);
  return `${checksum(json)} ${json}\n`;
}

const checksum = (json: string): string => crc32(json).toString(16).padStart(8, "0");

export interface JournalScan {
  readonly records: readonly JournalRecord[];
  /** End of the last good line, bytes: what lies behind it was torn by a crash and never answered for. */
  readonly goodBytes: number;
  /** Bad lines with good ones behind them: damage that a crash does not make. */
  readonly damaged: number;
}

/** Reads a journal. */
export function scanJournal(bytes: Buffer): JournalScan {
  const records: JournalRecord[] = [];
  let goodBytes = 0;
  let damaged = 0;
  let bad = 0;
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf(0x0a, at);
    if (end < 0) break;
    const line = bytes.toString("utf8", at, end);
    at = end + 1;
    if (line.length < 10 || line[8] !== " " || checksum(line.slice(9)) !== line.slice(0, 8)) {
      bad++;
      continue;
    }
    records.push(JSON.parse(line.slice(9)) as JournalRecord);
    damaged += bad;
    bad = 0;
    goodBytes = at;
  }
  return { records, goodBytes, damaged };
}
