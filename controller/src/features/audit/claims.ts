import type { AuditCheckpoint } from "@devflow/proto/audit/v1/audit";
import type { Logger } from "pino";
import { type Checkpoint, isSigned } from "../../platform/audit/checkpoints.ts";
import { compareCheckpoints } from "../../platform/audit/compare.ts";
import { writeContradiction } from "../../platform/audit/contradictions.ts";
import type { Context } from "../../platform/context.ts";
import { taskSigningPublicKey } from "../../platform/crypto/index.ts";
import { counter } from "../../platform/observability/index.ts";
import { checkpointFromWire } from "@devflow/rpc/audit-checkpoint";

const gatherMs = 250;
const againMs = 5_000;
const batchSize = 2_000;
/** Of a fleet that comes back at once; what is beyond is handed over again with the next greeting. */
const maxWaiting = 50_000;

/** Compares what agents hold with the log. */
export interface Claims {
  /** Takes up to 3 checkpoints that an agent handed over, and returns at once. */
  tell(server: { readonly serverId: string; readonly organizationId: string }, checkpoints: readonly AuditCheckpoint[]): void;
}

interface Claim extends Checkpoint {
  readonly serverId: string;
}

/**
 * Agents mostly hold the same checkpoints: equal ones are looked up once, all that came within 250 ms in one query.
 * A claim counts only with a valid signature over it, which is checked where the log does not fit: an agent can invent
 * nothing. The answer is not kept: the next greeting looks at the log as it is then.
 */
export function createClaims(ctx: Context, log: Logger): Claims {
  const ignored = counter("devflow_audit_claims_ignored_total", "Audit checkpoints of agents that count for nothing", ["reason"]);
  const waiting = new Map<string, Claim>();
  let running: Promise<void> | null = null;

  async function run(): Promise<void> {
    for (let pause = gatherMs; waiting.size > 0;) {
      await new Promise((resolve) => setTimeout(resolve, pause).unref());
      const batch = [...waiting].slice(0, batchSize);
      try {
        await lookAt(batch.map(([, claim]) => claim));
        for (const [key] of batch) waiting.delete(key);
        pause = gatherMs;
      } catch (error) {
        log.warn({ err: error }, "audit checkpoints of agents could not be compared; trying again");
        pause = againMs;
      }
    }
  }

  async function lookAt(batch: readonly Claim[]): Promise<void> {
    const misfits = await compareCheckpoints(ctx, batch);
    if (misfits.length === 0) return;
    const publicSpki = await taskSigningPublicKey(ctx.config);
    for (const { checkpoint, reason } of misfits) {
      const { serverId, organizationId, sequence } = checkpoint;
      if (!isSigned(publicSpki, checkpoint)) {
        ignored.inc({ reason: "unsigned" });
        continue;
      }
      if (!(await writeContradiction({ ctx, input: { checkpoint, serverId, reason } }))) continue;
      log.error({ serverId, organizationId, sequence, reason }, "the audit log does not fit what a server holds");
      ctx.bus.emit("events.written", {});
    }
  }

  return {
    tell({ serverId, organizationId }, checkpoints) {
      for (const message of checkpoints) {
        const checkpoint = checkpointFromWire(message);
        if (checkpoint === null) ignored.inc({ reason: "malformed" });
        else if (checkpoint.organizationId !== organizationId) ignored.inc({ reason: "foreign" });
        else if (waiting.size >= maxWaiting) ignored.inc({ reason: "too_many" });
        else {
          const key = `${organizationId} ${checkpoint.sequence} ${checkpoint.hash} ${checkpoint.at} ${checkpoint.signature}`;
          if (!waiting.has(key)) waiting.set(key, { ...checkpoint, serverId });
        }
      }
      if (waiting.size > 0) running ??= run().finally(() => (running = null));
    },
  };
}
