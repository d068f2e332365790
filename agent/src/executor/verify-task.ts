import { createPublicKey, verify } from "node:crypto";
import { fromBinary } from "@bufbuild/protobuf";
import { TaskEnvelopeSchema, type SignedTask, type TaskEnvelope } from "@devflow/proto/tasks/v1/tasks";

/** Why an envelope is not acted upon; the controller stores and tells it. */
export type Refusal = {
  readonly code: "bad_signature" | "malformed" | "foreign_agent" | "too_early" | "expired" | "before_floor";
  readonly message: string;
};

export interface Verifier {
  /** Ed25519 public key that was pinned when this server was enrolled, SubjectPublicKeyInfo DER. */
  readonly signingKey: Uint8Array;
  /** UUID of this server's agent. */
  readonly agentId: string;
  /** Settled time, milliseconds since 1970-01-01 UTC. */
  readonly nowMs: number;
  /** The journal's: what was signed before it is refused. */
  readonly floorMs: number;
}

/** Larger than any input may be; what is larger is not even hashed. */
const MAX_ENVELOPE_BYTES = 512 * 1024;
/** An envelope may wait for its server so long at most, whoever signed it. */
const MAX_LIFETIME_MS = 31 * 24 * 3_600_000;
const CONTEXT = Buffer.from("devflow-task-v1\0", "latin1");
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const TYPE = /^[a-z][a-z0-9-]{0,63}(\.[a-z][a-z0-9-]{0,63}){1,3}$/;

/**
 * Says whether a task was signed for this server, by the key that it pinned, for this moment. Nothing of the envelope is
 * looked at before its signature fits.
 */
export function verifyTask({ envelope: bytes, signature }: SignedTask, by: Verifier): { envelope: TaskEnvelope } | { refusal: Refusal } {
  const no = (code: Refusal["code"], message: string) => ({ refusal: { code, message } });
  if (bytes.length === 0 || bytes.length > MAX_ENVELOPE_BYTES)
    return no("malformed", `Expected an envelope of 1 to ${MAX_ENVELOPE_BYTES} bytes, got ${bytes.length}`);
  if (!isSigned(bytes, signature, by.signingKey))
    return no("bad_signature", "The signature is not that of the key which this server pinned when it was enrolled");
  let envelope: TaskEnvelope;
  try {
    envelope = fromBinary(TaskEnvelopeSchema, bytes);
  } catch (error) {
    return no("malformed", `The envelope cannot be read: ${(error as Error).message}`);
  }
  const { agentId, runId, type } = envelope;
  if (agentId !== by.agentId) return no("foreign_agent", "The envelope is for another server");
  if (!UUID.test(runId)) return no("malformed", "run_id: expected a UUID in lower case");
  if (!TYPE.test(type)) return no("malformed", "type: expected a name such as servers.ping");
  const [notBeforeMs, expiresMs] = [Number(envelope.notBeforeMs), Number(envelope.expiresMs)];
  if (!(notBeforeMs > 0 && notBeforeMs < expiresMs && expiresMs - notBeforeMs <= MAX_LIFETIME_MS))
    return no("malformed", "Expected not_before_ms before expires_ms and at most 31 days between them");
  if (by.nowMs < notBeforeMs) return no("too_early", `It must not start before ${new Date(notBeforeMs).toISOString()}`);
  if (by.nowMs >= expiresMs) return no("expired", `It expired at ${new Date(expiresMs).toISOString()}`);
  if (notBeforeMs < by.floorMs)
    return no("before_floor", "It was signed before this server's journal was damaged, and may have run; ask for it anew");
  return { envelope };
}

function isSigned(bytes: Uint8Array, signature: Uint8Array, spki: Uint8Array): boolean {
  if (signature.length !== 64) return false;
  const key = createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
  return key.asymmetricKeyType === "ed25519" && verify(null, Buffer.concat([CONTEXT, bytes]), key, signature);
}
