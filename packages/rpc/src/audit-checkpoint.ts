import { create } from "@bufbuild/protobuf";
import { type AuditCheckpoint, AuditCheckpointSchema } from "@devflow/proto/audit/v1/audit";

/** Where an organisation's audit log ended at a moment, signed by the task-signing key: what controllers and agents keep. */
export interface Checkpoint {
  readonly organizationId: string;
  readonly sequence: number;
  /** Of the row of that sequence: SHA-256, hexadecimal. */
  readonly hash: string;
  /** When it was signed, RFC 3339 UTC with milliseconds. */
  readonly at: string;
  /** Ed25519 over checkpointBytes(), base64. */
  readonly signature: string;
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const maxTimeMs = 253_402_300_799_999n; // the end of the year 9999

/** What is signed, as audit.proto says. Begins like no task does, so that neither can be taken for the other. */
export const checkpointBytes = ({ organizationId, sequence, hash, at }: Omit<Checkpoint, "signature">): Buffer =>
  Buffer.from(`devflow audit checkpoint 1\n${organizationId}\n${sequence}\n${hash}\n${at}\n`);

export const checkpointToWire = ({ organizationId, sequence, hash, at, signature }: Checkpoint): AuditCheckpoint =>
  create(AuditCheckpointSchema, {
    organizationId,
    sequence: BigInt(sequence),
    hash: Buffer.from(hash, "hex"),
    timeMs: BigInt(Date.parse(at)),
    signature: Buffer.from(signature, "base64"),
  });

/** What the other side handed over; null when a bound is broken. Its signature is not looked at. */
export function checkpointFromWire({ organizationId, sequence, hash, timeMs, signature }: AuditCheckpoint): Checkpoint | null {
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
