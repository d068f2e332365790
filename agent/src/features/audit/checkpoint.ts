import { type KeyObject, verify } from "node:crypto";
import type { AuditCheckpoint } from "@devflow/proto/audit/v1/audit";
import { type Checkpoint, checkpointBytes, checkpointFromWire } from "@devflow/rpc/audit-checkpoint";

/** A checkpoint as it is kept: one line of the file, and what `admin verify-audit` reads. */
export interface KeptCheckpoint extends Checkpoint {
  /** When it came, by this machine's own clock, RFC 3339 UTC. */
  readonly receivedAt: string;
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** What came over the wire as it would be kept; null when a bound is broken. */
export function fromWire(message: AuditCheckpoint, nowMs: number): KeptCheckpoint | null {
  const checkpoint = checkpointFromWire(message);
  return checkpoint === null ? null : { ...checkpoint, receivedAt: new Date(nowMs).toISOString() };
}

/** Whether the pinned task-signing key signed it. */
export const isSigned = (key: KeyObject, checkpoint: KeptCheckpoint): boolean =>
  verify(null, checkpointBytes(checkpoint), key, Buffer.from(checkpoint.signature, "base64"));

/** A line of the file; null when it is none, as a damaged one. */
export function fromLine(text: string): KeptCheckpoint | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null; // counted by the reader
  }
  const line = (typeof value === "object" && value !== null ? value : {}) as Record<keyof KeptCheckpoint, unknown>;
  const { organizationId, sequence, hash, at, signature, receivedAt } = line;
  if (typeof organizationId !== "string" || !uuid.test(organizationId)) return null;
  if (!Number.isSafeInteger(sequence) || typeof hash !== "string" || !/^[0-9a-f]{64}$/.test(hash)) return null;
  if (typeof signature !== "string" || !/^[A-Za-z0-9+/]{86}==$/.test(signature)) return null;
  if (!isTime(at) || !isTime(receivedAt)) return null;
  return { organizationId, sequence: sequence as number, hash, at, signature, receivedAt };
}

const isTime = (value: unknown): value is string => typeof value === "string" && value.length <= 40 && !Number.isNaN(Date.parse(value));
