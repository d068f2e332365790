import type { Permission } from "@devflow/api";

/** Who asks. Made once a request (or socket, or job) by platform/auth; verbs get nothing else to decide with. */
export interface Principal {
  readonly kind: "user" | "token" | "system";
  readonly id: string;
  /** As shown in the audit log. */
  readonly name: string;
  readonly organizationId: string;
  /** Strongest role over the whole organisation. */
  readonly permission: Permission;
  readonly address: string | null;
  readonly requestId: string;
}
