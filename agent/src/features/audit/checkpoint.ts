import { verify, type KeyObject } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { type AuditCheckpoint, AuditCheckpointSchema } from "@devflow/proto/audit/v1/audit";

/** A signed end of the controller's audit log as it is kept: one line of the file, and what `admin verify-audit` reads. */
export interface KeptCheckpoint {
  readonly organizationId: string;
  readonly sequence: number;
  /** SHA-256, hexadecimal. */
  readonly hash: string;
  /** When it was signed, RFC 3339 UTC with milliseconds. */
  readonly at: string;
  /** Ed25519, base64. */
  readonly signature: string;
  /** When it came, by this machine's own clock, RFC 3339 UTC. */
  readonly receivedAt: string;
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const maxTimeMs = 253_402_300_799_999n; // the end of the year 9999

/** What came over the wire as it would be kept; null when a bound is broken. */
export function fromWire(message: AuditCheckpoint, nowMs: number): KeptCheckpoint | null {
  const { organizationId, sequence, hash, timeMs, signature } = message;
  if (!uuid.test(organizationId) || hash.length !== 32 || signature.length !== 64) return null;
  if (sequence < 1n || sequence > BigInt(Number.MAX_SAFE_INTEGER) || timeMs < 0n || timeMs > maxTimeMs) return null;
  return {
    organizationId,
    sequence: Number(sequence),
    hash: Buffer.from(hash).toString("hex"),
    at: new Date(Number(timeMs)).toISOString(),
    signature: Buffer.from(signature).toString("base64"),
    receivedAt: new Date(nowMs).toISOString(),
  };
}

export const toWire = ({ organizationId, sequence, hash, at, signature }: KeptCheckpoint): AuditCheckpoint =>
  create(AuditCheckpointSchema, {
    organizationId,
    sequence: BigInt(sequence),
    hash: Buffer.from(hash, "hex"),
    timeMs: BigInt(Date.parse(at)),
    signature: Buffer.from(signature, "base64"),
  });

/** Whether the pinned task-signing key signed it, as audit.proto says. */
export function isSigned(key: KeyObject, { organizationId, sequence, hash, at, signature }: KeptCheckpoint): boolean {
  const bytes = Buffer.from(`devflow audit checkpoint 1\n${organizationId}\n${sequence}\n${hash}\n${at}\n`);
  return verify(null, bytes, key, Buffer.from(signature, "base64"));
}

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
