import { create } from "@bufbuild/protobuf";
import { type AuditCheckpoint, AuditCheckpointSchema } from "@devflow/proto/audit/v1/audit";
import type { Checkpoint } from "../../platform/audit/checkpoints.ts";

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const maxTimeMs = 253_402_300_799_999n; // the end of the year 9999

export const toWire = ({ organizationId, sequence, hash, at, signature }: Checkpoint): AuditCheckpoint =>
  create(AuditCheckpointSchema, {
    organizationId,
    sequence: BigInt(sequence),
    hash: Buffer.from(hash, "hex"),
    timeMs: BigInt(Date.parse(at)),
    signature: Buffer.from(signature, "base64"),
  });

/** What an agent handed over; null when a bound is broken. */
export function fromWire({ organizationId, sequence, hash, timeMs, signature }: AuditCheckpoint): Checkpoint | null {
  if (!uuid.test(organizationId) || hash.length !== 32 || signature.length !== 64) return null;
  if (sequence < 1n || sequence > BigInt(Number.MAX_SAFE_INTEGER) || timeMs < 0n || timeMs > maxTimeMs) return null;
  return {
    organizationId,
    sequence: Number(sequence),
    hash: Buffer.from(hash).toString("hex"),
    at: new Date(Number(timeMs)).toISOString(),
    signature: Buffer.from(signature).toString("base64"),
  };
}
