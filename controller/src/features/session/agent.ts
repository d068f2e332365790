import { SessionService } from "@devflow/proto/session/v1/session";
import { AppError } from "@devflow/errors";
import { status } from "@grpc/grpc-js";
import { createWatchers } from "../../platform/bus/index.ts";
import type { Context } from "../../platform/context.ts";
import { taskSigningPublicKey } from "../../platform/crypto/index.ts";
import { gauge } from "../../platform/observability/index.ts";
import type { Gateway } from "../../platform/rpc/index.ts";
import { agentCheckpoints } from "../audit/index.ts";
import { agentTrust, renewCertificate } from "../enrolment/index.ts";
import { storeInventory } from "../inventory/index.ts";
import { MAX_BATCHES_IN_FLIGHT, onRejectedBatch } from "../metrics/index.ts";
import { admitSession } from "./admit-session.ts";
import { createHoldSessions, keepDropped } from "./hold-session.ts";
import { createPresence } from "./presence.ts";
import { type AgentSession, serveSession } from "./session-stream.ts";
import { setWarning } from "./set-warning.ts";
import { createWarnings } from "./warnings.ts";

const INTERVAL_S = 10;
const RECONNECT_AFTER_MS = 1_000;
/** Time for Drain to reach the agents and for what is in flight to be answered. */
const DRAIN_MS = 300;

/** Adds SessionService to the gateway. */
export function sessionService(gateway: Gateway, ctx: Context): void {
  const log = ctx.log.child({ scope: "session" });
  const now = (): number => ctx.clock.now();
  const sessions = new Map<string, AgentSession>();
  const watchers = createWatchers(ctx.bus, (serverId, on) => sessions.get(serverId)?.send({ case: "liveMode", value: { on } }));
  const hold = createHoldSessions(ctx, gateway.id);
  const presence = createPresence({ ctx, gateway, sessions, log });
  const checkpoints = agentCheckpoints(ctx, function* () {
    for (const session of sessions.values()) {
      const { serverId, organizationId } = session.connection.identity;
      yield { serverId, organizationId, give: (value) => session.send({ case: "auditCheckpoint", value }) };
    }
  });
  let signing: Promise<Buffer> | null = null;
  // A failure is not kept: the file may be put right while the gateway runs.
  const signingKey = (): Promise<Buffer> =>
    (signing ??= taskSigningPublicKey(ctx.config).catch((error: unknown) => {
      signing = null;
      throw error;
    }));
  gauge("devflow_agents_connected", "Agents with a session at this gateway", (g) => g.set(sessions.size));

  const end = ({ serverId, reason }: { serverId: string; reason: string }): void => {
    sessions.get(serverId)?.refuse(status.PERMISSION_DENIED, reason);
    // Connections that have not said Hello yet, or whose session is being refused.
    for (const connection of gateway.connections())
      if (connection.identity.serverId === serverId && connection !== sessions.get(serverId)?.connection) connection.close(reason);
  };
  ctx.bus.on("server.revoked", end);
  ctx.bus.on("server.removed", ({ serverId }) => end({ serverId, reason: "deleted" }));
  ctx.bus.on("session.taken", ({ serverId, gatewayId, epoch }) => {
    const older = sessions.get(serverId);
    if (gatewayId !== gateway.id && older !== undefined && older.epoch < epoch) older.refuse(status.ABORTED, takenOver);
  });
  // A revocation or a move may have been missed.
  ctx.bus.on("bus.resumed", () => void presence.confirm());

  gateway.service(SessionService, {
    connect(call) {
      const connection = gateway.connectionOf(call);
      const { serverId, organizationId } = connection.identity;
      if (gateway.draining)
        return void call.emit("error", { code: status.UNAVAILABLE, details: "this gateway is about to stop; dial again" });
      if (open.has(connection))
        return void call.emit("error", { code: status.RESOURCE_EXHAUSTED, details: "expected one Session a connection" });
      open.add(connection);
      serveSession(call, connection, {
        log,
        now,
        async greeted(session, greeting) {
          const [caPem, taskSigningKey] = await Promise.all([agentTrust(ctx), signingKey()]);
          const { epoch, serverName, spoolDropped, movedFrom, warned } = await admitSession({
            ctx,
            input: { session, greeting, gatewayId: gateway.id, hold, sessions },
          });
          session.epoch = epoch;
          const auditCheckpoint = await checkpoints.greeted(connection.identity, greeting.capabilities, greeting.auditCheckpoints);
          if (connection.closed) {
            presence.closed(session);
            if (!sessions.has(serverId)) checkpoints.left(serverId);
            throw new AppError("unavailable", "the connection closed meanwhile");
          }
          const store = (what: string, done: Promise<void>): void =>
            void done.catch((error: unknown) => log.warn({ err: error, serverId, what }, "a warning could not be stored"));
          const warnings = createWarnings(
            (code, message) => store(code, setWarning({ ctx, input: { serverId, organizationId, code, message } })),
            now,
            { dropped: spoolDropped, warned },
            (dropped) => store("spool_dropped", keepDropped({ ctx, input: { serverId, spoolId: greeting.spoolId, dropped } })),
          );
          const older = sessions.get(serverId);
          sessions.set(serverId, session);
          connection.onClose(() => {
            presence.closed(session);
            if (!sessions.has(serverId)) checkpoints.left(serverId);
          });
          older?.refuse(status.ABORTED, takenOver);
          if (movedFrom !== null) ctx.bus.emit("session.taken", { serverId, gatewayId: gateway.id, epoch });
          onRejectedBatch(connection, (reason) => warnings.rejected(reason));
          ctx.bus.emit("server.changed", { organizationId, serverId });
          return {
            warnings,
            welcome: {
              capabilities: [...greeting.capabilities],
              metricIntervalSeconds: INTERVAL_S,
              maxBatchesInFlight: MAX_BATCHES_IN_FLIGHT,
              serverName,
              caPem,
              live: watchers.watched(serverId),
              taskSigningKey,
              auditCheckpoint,
            },
          };
        },
        inventory: (_, inventory) => storeInventory({ ctx, input: { identity: connection.identity, inventory } }),
        renew: async (_, { publicKey, proof }) =>
          (await renewCertificate({ ctx, input: { identity: connection.identity, publicKey, proof } })).certificatePem,
        auditReport: (_, report) => checkpoints.reported(connection.identity, report),
        roundTrip: (_, ms) => presence.roundTrip(serverId, ms),
      });
    },
  });

  gateway.onDrain(async () => {
    for (const session of sessions.values()) session.send({ case: "drain", value: { reconnectAfterMs: RECONNECT_AFTER_MS } });
    checkpoints.stop();
    await presence.stop();
    await new Promise((resolve) => setTimeout(resolve, DRAIN_MS));
  });
}

const open = new WeakSet<object>();
const takenOver = "a newer connection of this agent took over";
