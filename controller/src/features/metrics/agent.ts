import { TelemetryService } from "@devflow/proto/metrics/v1/metrics";
import { status } from "@grpc/grpc-js";
import { createWatchers } from "../../platform/bus/index.ts";
import type { Context } from "../../platform/context.ts";
import type { Gateway } from "../../platform/rpc/index.ts";
import type { AgentConnection } from "../../platform/rpc/index.ts";
import { createIngestWriter, type IngestWriter } from "./ingest-writer.ts";
import { ingestMetrics, rejectionName } from "./ingest-metrics.ts";
import { serveLive } from "./live-stream.ts";
import { servePush } from "./push-stream.ts";

/** Adds TelemetryService to the gateway. */
export function telemetryService(gateway: Gateway, ctx: Context): IngestWriter {
  const now = (): number => ctx.clock.now();
  const figures = ingestMetrics();
  const writer = createIngestWriter({
    sql: ctx.sql,
    log: ctx.log.child({ scope: "metrics.ingest" }),
    now,
    onCommitted: (flush, result, tookMs) => figures.committed(flush, result, tookMs),
    onRejected(serverNo, reason) {
      figures.rejected(reason);
      const connection = connected.get(serverNo);
      if (connection !== undefined) rejectedBatches.get(connection)?.(rejectionName(reason));
    },
  });
  figures.watch(writer);
  const connected = new Map<number, AgentConnection>();
  const watchers = createWatchers(ctx.bus);
  const pushing = new WeakSet<AgentConnection>();
  const liveStreams = new WeakSet<AgentConnection>();

  /** Why a stream may not begin; a stream of each kind a connection, after the greeting. */
  const refusal = (connection: AgentConnection, taken: WeakSet<AgentConnection>): { code: status; details: string } | null => {
    if (connection.session === null)
      return { code: status.FAILED_PRECONDITION, details: "expected a Session with Welcome before this stream; open it first" };
    if (taken.has(connection))
      return { code: status.RESOURCE_EXHAUSTED, details: "expected one stream of this kind a connection; end the other first" };
    return null;
  };

  gateway.service(TelemetryService, {
    push(call) {
      const connection = gateway.connectionOf(call);
      const wrong = refusal(connection, pushing);
      if (wrong !== null) return void call.emit("error", wrong);
      pushing.add(connection);
      connected.set(connection.identity.serverNo, connection);
      call.once("close", () => pushing.delete(connection));
      connection.onClose(() => {
        if (connected.get(connection.identity.serverNo) !== connection) return;
        connected.delete(connection.identity.serverNo);
        writer.forget(connection.identity.serverNo);
      });
      servePush(call, connection, writer);
    },
    live(call) {
      const connection = gateway.connectionOf(call);
      const wrong = refusal(connection, liveStreams);
      if (wrong !== null) return void call.emit("error", wrong);
      liveStreams.add(connection);
      call.once("close", () => liveStreams.delete(connection));
      serveLive(call, connection, ctx.bus, () => watchers.watched(connection.identity.serverId), now);
    },
  });
  gateway.onDrain(() => writer.drain());
  return writer;
}

const rejectedBatches = new WeakMap<AgentConnection, (reason: string) => void>();

/** Tells of each batch of a connection that was rejected, for the server's warnings. */
export const onRejectedBatch = (connection: AgentConnection, handler: (reason: string) => void): void =>
  void rejectedBatches.set(connection, handler);
