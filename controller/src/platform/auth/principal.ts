import type { Access } from "./access.ts";

/** Who asks. Made once a request (or socket, or job) by platform/auth; verbs get nothing else to decide with. */
export interface Principal {
  readonly kind: "user" | "token" | "system";
  readonly id: string;
  /** As shown in the audit log. */
  readonly name: string;
  readonly organizationId: string;
  /** The user behind a session, and behind a token the user who made it; null for service accounts and the controller itself. */
  readonly userId: string | null;
  readonly access: Access;
  readonly address: string | null;
  readonly requestId: string;
}
