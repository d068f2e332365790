import type { Invitation } from "@devflow/api";

export interface Dates {
  readonly expiresAt: Date;
  readonly acceptedAt: Date | null;
  readonly revokedAt: Date | null;
}

/** What an invitation is at a time, in milliseconds since 1970. It expires at its very time. */
export function stateOf({ expiresAt, acceptedAt, revokedAt }: Dates, nowMs: number): Invitation["state"] {
  if (acceptedAt !== null) return "accepted";
  if (revokedAt !== null) return "revoked";
  return expiresAt.getTime() <= nowMs ? "expired" : "open";
}

export interface Account {
  readonly email: string;
  readonly emailVerified: boolean;
}

/** Why a signed-in person may not accept an invitation for `email` (null: for whoever holds its link); null: they may. */
export function refusalFor(email: string | null, account: Account, isMember: boolean): string | null {
  if (isMember) return "You belong to this organisation already";
  if (email === null) return null;
  if (account.email.toLowerCase() !== email.toLowerCase())
    return `This invitation is for ${email}, and you are signed in as ${account.email}`;
  if (!account.emailVerified) return `This invitation is for the owner of ${email}: verify your address first, in your profile`;
  return null;
}
