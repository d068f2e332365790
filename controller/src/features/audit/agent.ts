import type { AuditCheckpoint, AuditReport } from "@devflow/proto/audit/v1/audit";
import { readContradictions } from "../../platform/audit/contradictions.ts";
import type { Context } from "../../platform/context.ts";
import { counter, gauge } from "../../platform/observability/index.ts";
import { createClaims } from "./claims.ts";
import { createOffers, type Held } from "./offers.ts";
import { checkpointFromWire } from "@devflow/rpc/audit-checkpoint";

/** Agents that have it keep signed checkpoints of their organisation's audit log. */
export const checkpointCapability = "2026-11-audit-checkpoints";
const passMs = 60_000;
const reportGapMs = 300_000;
const maxReason = 300;

/** One agent's session, as this feature sees it. */
export interface AuditedSession {
  readonly serverId: string;
  readonly organizationId: string;
  give(checkpoint: AuditCheckpoint): void;
}

/** What is known of one session. */
interface State {
  held: Held | null;
  reportedAt: number;
}

/** Hands audit checkpoints to this gateway's agents, and looks at those that they hold. */
export function agentCheckpoints(ctx: Context, sessions: () => Iterable<AuditedSession>) {
  const log = ctx.log.child({ scope: "audit.checkpoints" });
  const claims = createClaims(ctx, log);
  const offers = createOffers(ctx);
  const states = new Map<string, State>();
  const refused = counter("devflow_audit_checkpoints_refused_total", "Audit checkpoints that agents did not take");
  const ignored = counter("devflow_audit_claims_ignored_total", "Audit checkpoints of agents that count for nothing", ["reason"]);
  let open = 0;
  gauge("devflow_audit_contradictions", "Signed audit checkpoints of servers that the log does not fit", (g) => g.set(open));

  /** Once a minute, for all agents together. */
  async function pass(): Promise<void> {
    await offers.refresh();
    const due = offers.beginPass();
    for (const session of sessions()) {
      const state = states.get(session.serverId);
      if (state === undefined || !due(session.serverId)) continue;
      const offered = offers.forAgent(session.organizationId, state.held);
      if (offered === null) continue;
      state.held = offered.held;
      session.give(offered.checkpoint);
    }
    open = (await readContradictions({ ctx })).length;
  }
  const passSafely = (): Promise<void> =>
    pass().catch((error: unknown) => log.warn({ err: error }, "audit checkpoints could not be read; trying again in a minute"));
  // Ends may have been signed that nobody told of.
  const unhear = ctx.bus.on("bus.resumed", () => void passSafely());
  const timer = setInterval(() => void passSafely(), passMs);
  timer.unref();

  return {
    stop(): void {
      clearInterval(timer);
      unhear();
    },
    /** @returns what Welcome gives; undefined: nothing, or the agent keeps none */
    async greeted(
      server: { readonly serverId: string; readonly organizationId: string },
      capabilities: readonly string[],
      held: readonly AuditCheckpoint[],
    ): Promise<AuditCheckpoint | undefined> {
      if (!capabilities.includes(checkpointCapability)) return undefined;
      claims.tell(server, held);
      await offers.refresh().catch((error: unknown) => log.warn({ err: error }, "audit checkpoints could not be read; trying again"));
      const newest = held[0] === undefined ? null : checkpointFromWire(held[0]);
      const known = newest === null ? null : { sequence: newest.sequence, atMs: Date.parse(newest.at) };
      const offered = offers.forAgent(server.organizationId, known);
      states.set(server.serverId, { held: offered?.held ?? known, reportedAt: Number.NEGATIVE_INFINITY });
      return offered?.checkpoint;
    },
    /** What an agent answered. Nothing it says changes what others are told. */
    reported(server: { readonly serverId: string; readonly organizationId: string }, report: AuditReport): void {
      const state = states.get(server.serverId);
      if (state === undefined) return;
      if (ctx.clock.now() - state.reportedAt < reportGapMs) return ignored.inc({ reason: "too_often" });
      state.reportedAt = ctx.clock.now();
      claims.tell(server, report.held.slice(0, 3));
      if (report.refused === "") return;
      refused.inc();
      const reason = report.refused
        .toWellFormed()
        .replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, "")
        .slice(0, maxReason);
      log.warn({ serverId: server.serverId, reason }, "an agent did not take an audit checkpoint");
    },
    left: (serverId: string): void => void states.delete(serverId),
  };
}
