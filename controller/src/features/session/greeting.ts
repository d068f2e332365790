import type { AuditCheckpoint } from "@devflow/proto/audit/v1/audit";
import type { Hello } from "@devflow/proto/session/v1/session";
import { AppError } from "@devflow/errors";
import { checkpointCapability } from "../audit/index.ts";
import { cleanText } from "./clean-text.ts";

/** What this controller understands, newest last. */
export const capabilities = ["2026-11-metrics", "2026-11-live", "2026-11-inventory", checkpointCapability] as const;

/** Without these two there is nothing to talk about. */
const needed = ["2026-11-metrics", "2026-11-inventory"] as const;
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** A Hello that was looked through. */
export interface Greeting {
  /** Those that both sides have. */
  readonly capabilities: readonly string[];
  readonly agentVersion: string;
  readonly hostname: string;
  readonly bootId: string;
  readonly spoolId: string;
  /** The agent's wall clock, milliseconds since 1970-01-01 UTC. */
  readonly wallTimeMs: number;
  readonly monitorOnly: boolean;
  /** What it holds of the audit log, the newest first; nothing of it is checked yet. */
  readonly auditCheckpoints: readonly AuditCheckpoint[];
}

/**
 * Checks the first message of a session.
 * Throws AppError invalid when a bound is broken, precondition_failed when there is no common ground.
 */
export function readHello(hello: Hello): Greeting {
  if (hello.capabilities.length === 0 || hello.capabilities.length > 100)
    throw new AppError("invalid", `Hello: expected 1 to 100 capabilities, got ${hello.capabilities.length}`);
  if (hello.capabilities.some((name) => name.length > 100))
    throw new AppError("invalid", "Hello: expected capabilities of at most 100 characters");
  for (const field of ["bootId", "spoolId"] as const) {
    if (!uuid.test(hello[field]))
      throw new AppError("invalid", `Hello: expected ${field} as a UUID in lower case, got ${JSON.stringify(hello[field].slice(0, 40))}`);
  }
  const bounds = { agentVersion: 64, hostname: 253 } as const;
  for (const [field, max] of Object.entries(bounds) as [keyof typeof bounds, number][]) {
    if (hello[field].length > max)
      throw new AppError("invalid", `Hello: expected ${field} of at most ${max} characters, got ${hello[field].length}`);
  }
  if (hello.auditCheckpoints.length > 3)
    throw new AppError("invalid", `Hello: expected at most 3 audit checkpoints, got ${hello.auditCheckpoints.length}`);
  const common = capabilities.filter((name) => hello.capabilities.includes(name));
  const missing = needed.filter((name) => !common.includes(name));
  if (missing.length > 0) {
    throw new AppError(
      "precondition_failed",
      `The agent lacks ${missing.join(", ")}, which this controller needs. Bring the older of the two up to date.`,
    );
  }
  return {
    capabilities: common,
    agentVersion: cleanText(hello.agentVersion, 64),
    hostname: cleanText(hello.hostname, 253),
    bootId: hello.bootId,
    spoolId: hello.spoolId,
    wallTimeMs: Number(hello.wallTimeMs),
    monitorOnly: hello.policy === undefined,
    auditCheckpoints: hello.auditCheckpoints,
  };
}
