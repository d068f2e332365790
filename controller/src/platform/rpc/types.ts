import type { DescService } from "@bufbuild/protobuf";
import type { Handlers } from "@devflow/rpc";

/** Who is at the other end of a gateway connection; settled from the client certificate before any RPC. */
export interface AgentIdentity {
  readonly serverId: string;
  readonly serverNo: number;
  readonly organizationId: string;
  /** Certificate serial, hexadecimal. */
  readonly serial: string;
}

/** Why an agent whose certificate chains up to our CA is not let in; both texts reach the agent. */
export interface IdentityRefusal {
  /** "revoked", "unknown", "quarantined", …; "unavailable" is the only one worth trying again. */
  readonly reason: string;
  readonly message: string;
}

export type IdentityAnswer =
  | { readonly identity: AgentIdentity; readonly refusal?: never }
  | { readonly identity?: never; readonly refusal: IdentityRefusal };

/** One agent's connection: all of its streams. */
export interface AgentConnection {
  readonly identity: AgentIdentity;
  /** Address of the peer, without port. */
  readonly address: string;
  /**
   * Set by the servers feature once a Session was greeted; streams of other services are refused until then, so that
   * a cloned or refused agent cannot push either.
   */
  session: { readonly spoolId: string; readonly bootId: string } | null;
  readonly closed: boolean;
  /** Ends the connection and all its streams at once. */
  close(reason: string): void;
  onClose(handler: (reason: string) => void): void;
}

/** The agents' port. */
export interface Gateway {
  /** UUID of this gateway process, new at each start. */
  readonly id: string;
  service<S extends DescService>(service: S, handlers: Handlers<S>): void;
  /** The identity behind a call. */
  identityOf(call: object): AgentIdentity;
  /** The connection that a call came over. */
  connectionOf(call: object): AgentConnection;
  connections(): Iterable<AgentConnection>;
  /** Called at the beginning of a drain: tell the agents, finish what is in flight. Connections close afterwards. */
  onDrain(handler: () => Promise<void>): void;
  readonly draining: boolean;
}

/** As features/enrolment's gatewayCredentials gives them. */
export interface GatewayCredentials {
  readonly privateKeyPem: string;
  /** Leaf first, then intermediates. */
  readonly certificateChainPem: string;
  /** CAs that agents' certificates chain up to; several while one is replaced. */
  readonly caPem: readonly string[];
}
