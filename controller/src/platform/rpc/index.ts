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

/** The agents' port. */
export interface Gateway {
  service<S extends DescService>(service: S, handlers: Handlers<S>): void;
  /** The identity behind a call. */
  identityOf(call: object): AgentIdentity;
}
