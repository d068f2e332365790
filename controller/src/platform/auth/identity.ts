import type { Access } from "./access.ts";

/** A proven session or API token, before a request gives it an address and an id. */
export interface Identity {
  readonly kind: "user" | "token";
  /** User or token id. */
  readonly id: string;
  readonly name: string;
  readonly organizationId: string;
  readonly access: Access;
  /** The user behind a session, and behind a token the user who made it; null for service accounts. */
  readonly userId: string | null;
  readonly email: string | null;
  /** Null for tokens. */
  readonly sessionId: string | null;
  /** When the person behind the session last proved who they are, milliseconds since 1970 UTC; null for tokens. */
  readonly confirmedAtMs: number | null;
  /** Milliseconds since 1970 UTC; null: never. */
  readonly expiresAtMs: number | null;
}
