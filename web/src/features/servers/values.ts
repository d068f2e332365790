import type { FleetSummary, Server, ServerLatest, ServerState } from "@devflow/api";

/** Used memory in percent, or null where it was not measured. */
export const memoryPercent = (latest: ServerLatest | null): number | null =>
  latest === null || latest.memoryUsedBytes === null || !latest.memoryTotalBytes
    ? null
    : (latest.memoryUsedBytes / latest.memoryTotalBytes) * 100;

/** Received and sent together, bytes per second. */
export const networkRate = (latest: ServerLatest | null): number | null =>
  latest === null || (latest.receiveBytesPerSecond === null && latest.transmitBytesPerSecond === null)
    ? null
    : (latest.receiveBytesPerSecond ?? 0) + (latest.transmitBytesPerSecond ?? 0);

export type Tone = "good" | "warn" | "bad" | "idle" | "busy";
export interface Condition {
  readonly tone: Tone;
  /** One or two words that stand beside the icon. */
  readonly word: string;
}

const states: Record<ServerState, Condition> = {
  online: { tone: "good", word: "Online" },
  offline: { tone: "idle", word: "Offline" },
  pending: { tone: "busy", word: "Pending" },
  revoked: { tone: "idle", word: "Revoked" },
  quarantined: { tone: "warn", word: "Quarantined" },
};

/** From where on a value is called high, in percent. */
export const limits = { cpu: { warn: 85, bad: 97 }, memory: { warn: 85, bad: 95 }, disk: { warn: 80, bad: 90 } } as const;

const words = { cpu: "High CPU", memory: "Memory", disk: "Disk" } as const;

/** What a server's state column says: the state, or the worst of its values while it is online. */
export function conditionOf(server: Server): Condition {
  if (server.state !== "online") return states[server.state];
  const percent = {
    memory: memoryPercent(server.latest),
    disk: server.latest?.diskUsedPercent ?? null,
    cpu: server.latest?.cpuPercent ?? null,
  };
  for (const level of ["bad", "warn"] as const) {
    for (const what of ["memory", "disk", "cpu"] as const) {
      // As it is shown: a value between two numbers does not flicker over the limit.
      const value = percent[what] === null ? null : Math.round(percent[what]);
      // CPU alone is never called failing: a busy machine does its work.
      if (value !== null && value > limits[what][level]) return { tone: what === "cpu" ? "warn" : level, word: words[what] };
    }
  }
  return server.warnings.length > 0 ? { tone: "warn", word: "Warning" } : states.online;
}

/** Whether no server was ever added. */
export const isEmpty = (summary: FleetSummary | null): boolean => summary !== null && summary.total === 0;
