import type { Database } from "../../../platform/db/index.ts";
import type { Context } from "../../../platform/context.ts";

export interface InvitationMail {
  readonly to: string;
  readonly organizationName: string;
  readonly invitedBy: string;
  /** Absolute. */
  readonly link: string;
  readonly expiresAt: Date;
}

/**
 * Sends an invitation by mail. False while no mail can be sent: the link is shown to whoever invites then.
 */
export async function sendInvitation(_tx: Pick<Database, "select" | "insert">, _ctx: Context, _mail: InvitationMail): Promise<boolean> {
  return false;
}
