import type { Context } from "../../../platform/context.ts";
import type { Database } from "../../../platform/db/index.ts";
import { queueMail, renderMail } from "../../../platform/mail/index.ts";

export interface InvitationMail {
  readonly to: string;
  readonly organizationName: string;
  readonly invitedBy: string;
  /** Absolute. */
  readonly link: string;
  readonly expiresAt: Date;
}

/**
 * Queues an invitation as mail in the caller's transaction; emit "mail.queued" after the commit. False while no mail
 * can be sent: the link is shown to whoever invites then.
 */
export function sendInvitation(tx: Pick<Database, "select" | "insert">, ctx: Context, mail: InvitationMail): Promise<boolean> {
  const { to, organizationName, invitedBy, link, expiresAt } = mail;
  const text = renderMail({
    title: `Join ${organizationName} on DevFlow`,
    paragraphs: [
      `${invitedBy} invites you to ${organizationName}, whose servers are looked after with DevFlow.`,
      "The link works once, for this address. If you do not know who this is, do nothing.",
    ],
    action: { label: "Join", url: link },
    facts: [["Good until", `${expiresAt.toISOString().slice(0, 16).replace("T", " ")} UTC`]],
  });
  return queueMail(
    tx,
    ctx,
    { to, subject: `${invitedBy} invites you to ${organizationName}`, ...text },
    expiresAt.getTime() - ctx.clock.now(),
  );
}
