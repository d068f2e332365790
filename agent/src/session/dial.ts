import { createSecureContext } from "node:tls";
import { TelemetryService } from "@devflow/proto/metrics/v1/metrics";
import { SessionService } from "@devflow/proto/session/v1/session";
import { clientOf, type ClientStream } from "@devflow/rpc";
import { ChannelCredentials } from "@grpc/grpc-js";
import type { AgentFile } from "../state/agent-file.ts";
import type { Credentials } from "../state/credentials.ts";

const SessionClient = clientOf(SessionService);
const TelemetryClient = clientOf(TelemetryService);

/** Largest message in either direction. */
export const MAX_MESSAGE_BYTES = 1024 * 1024;

/** One HTTP/2 connection with its streams; closing it ends them all. */
export interface Channel {
  session(): ClientStream<typeof SessionService, "connect">;
  push(): ClientStream<typeof TelemetryService, "push">;
  live(): ClientStream<typeof TelemetryService, "live">;
  close(): void;
}

export type Gateway = Pick<AgentFile, "controllerHost" | "gatewayPort" | "gatewayName">;

/**
 * Dials the gateway over mutual TLS 1.3: only the CA bundle of the enrolment is believed, and only the installation's
 * fixed gateway name, whatever address it was reached at. HTTP proxies of the environment (https_proxy, no_proxy) are
 * used. Retries and reconnects are the session's business: a failed connection fails its streams at once.
 */
export function dial(gateway: Gateway, credentials: Pick<Credentials, "keyPem" | "certificatePem">, caPem: string): Channel {
  const secureContext = createSecureContext({
    ca: caPem,
    key: credentials.keyPem,
    cert: credentials.certificatePem,
    minVersion: "TLSv1.3",
  });
  const host = gateway.controllerHost.includes(":") ? `[${gateway.controllerHost}]` : gateway.controllerHost;
  const session = new SessionClient(`${host}:${gateway.gatewayPort}`, ChannelCredentials.createFromSecureContext(secureContext), {
    "grpc.ssl_target_name_override": gateway.gatewayName,
    "grpc.default_authority": gateway.gatewayName,
    "grpc.keepalive_time_ms": 10_000,
    "grpc.keepalive_timeout_ms": 5_000,
    "grpc.keepalive_permit_without_calls": 1,
    "grpc.use_local_subchannel_pool": 1,
    "grpc.enable_retries": 0,
    "grpc.service_config_disable_resolution": 1,
    "grpc.enable_channelz": 0,
    "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
    "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
  });
  const telemetry = new TelemetryClient("shared", ChannelCredentials.createInsecure(), { channelOverride: session.getChannel() });
  return {
    session: () => session.connect(),
    push: () => telemetry.push(),
    live: () => telemetry.live(),
    close: () => session.close(),
  };
}
