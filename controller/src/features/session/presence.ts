import type { Logger } from "pino";
import type { Context } from "../../platform/context.ts";
import type { Gateway } from "../../platform/rpc/index.ts";
import { confirmSessions, dropDeadSessions, storeRoundTrips } from "./confirm-sessions.ts";
import { releaseSessions, STALE_AFTER_S } from "./hold-session.ts";
import type { AgentSession } from "./session-stream.ts";

/** Nobody is called offline for so long after a gateway starts: all agents are on their way back. */
export const GRACE_MS = 30_000;
const CONFIRM_MS = 15_000;
/** Sessions given up in one statement at most. */
const MAX_TOGETHER = 500;

export interface PresenceParts {
  readonly ctx: Context;
  readonly gateway: Gateway;
  /** Sessions of this gateway by server; closed ones are taken out here. */
  readonly sessions: Map<string, AgentSession>;
  readonly log: Logger;
}

/** Keeps agent_sessions true: who is online is who has a row. */
export function createPresence({ ctx, gateway, sessions, log }: PresenceParts) {
  const graceEndsAt = ctx.clock.now() + GRACE_MS;
  const roundTrips = new Map<string, number>();
  /** Sessions that closed and whose row is still there. */
  const closing = new Set<AgentSession>();
  /** Since when every confirmation went through; the database was in reach all the time since then. */
  let confirmedSince: number | null = null;
  let stopped = false;

  let releasing: Promise<void> | null = null;
  /** Gives up what closed, all that closed meanwhile together: a network that breaks ends thousands at once. */
  function releaseClosed(): Promise<void> {
    return (releasing ??= releaseAll().finally(() => (releasing = null)));
  }
  async function releaseAll(): Promise<void> {
    while (closing.size > 0 && ctx.clock.now() >= graceEndsAt) {
      const some = [...closing].slice(0, MAX_TOGETHER);
      const held = some.map((session) => ({ serverId: session.connection.identity.serverId, epoch: session.epoch }));
      const offline = await releaseSessions({ ctx, input: { gatewayId: gateway.id, held } });
      for (const session of some) closing.delete(session);
      for (const server of offline) ctx.bus.emit("server.changed", server);
      if (offline.length > 0) ctx.bus.emit("events.written", {});
    }
  }

  async function confirm(): Promise<void> {
    try {
      const before = [...sessions];
      const held = await confirmSessions({ ctx, input: { gatewayId: gateway.id } });
      confirmedSince ??= ctx.clock.now();
      for (const [serverId, session] of before) {
        if (!held.has(serverId) && sessions.get(serverId) === session)
          session.connection.close("another gateway holds this server now, or it was revoked");
      }
      const batch = new Map(roundTrips);
      roundTrips.clear();
      await storeRoundTrips({ ctx, input: batch });
      await releaseClosed();
      // Rows grow stale while the database is away too; then their gateways first get the time to confirm them.
      if (ctx.clock.now() < Math.max(graceEndsAt, confirmedSince + STALE_AFTER_S * 1000)) return;
      const dead = await dropDeadSessions({ ctx, input: { gatewayId: gateway.id } });
      for (const server of dead) ctx.bus.emit("server.changed", server);
      if (dead.length > 0) ctx.bus.emit("events.written", {});
    } catch (error) {
      confirmedSince = null;
      log.warn({ err: error }, "sessions could not be confirmed; trying again");
    }
  }

  let running: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    running = confirm();
  }, CONFIRM_MS);
  const graceTimer = setTimeout(() => void releaseClosed().catch(() => undefined), GRACE_MS); // confirm() tries again
  for (const t of [timer, graceTimer]) t.unref();

  return {
    confirm,
    roundTrip: (serverId: string, ms: number): void => void roundTrips.set(serverId, ms),
    /** A connection ended: offline at once, but not while the gateway has just started, nor because it stops. */
    closed(session: AgentSession): void {
      const { serverId } = session.connection.identity;
      if (sessions.get(serverId) === session) sessions.delete(serverId);
      if (session.epoch === 0 || stopped || gateway.draining) return;
      closing.add(session);
      if (ctx.clock.now() >= graceEndsAt)
        releaseClosed().catch((error: unknown) => log.warn({ err: error, serverId }, "a server could not be shown offline; trying again"));
    },
    async stop(): Promise<void> {
      stopped = true;
      clearInterval(timer);
      clearTimeout(graceTimer);
      await running;
    },
  };
}
