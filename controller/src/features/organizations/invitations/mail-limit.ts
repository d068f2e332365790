import { AppError } from "@devflow/errors";
import type { Context } from "../../../platform/context.ts";
import { type AttemptLimit, createThrottle } from "../../../platform/limits/index.ts";
import { isMailSet } from "../../../platform/mail/index.ts";

/** Mails in a quarter of an hour: to one mailbox, whoever invites, and by one organisation. */
const limits: readonly AttemptLimit[] = [
  { prefix: "invitation-mail:", attempts: 5 },
  { prefix: "invitation-organization:", attempts: 200 },
];

/**
 * Counts a mail that an organisation is about to have sent to a stranger. Harmless while none can be sent. Throws
 * AppError rate_limited.
 * @param to null: nobody, since the invitation is a link
 */
export async function countMail(ctx: Context, organizationId: string, to: string | null): Promise<void> {
  if (to === null || !(await isMailSet(ctx))) return;
  const wait = await createThrottle(ctx, limits).count([`invitation-mail:${to}`, `invitation-organization:${organizationId}`]);
  if (wait === 0) return;
  throw new AppError("rate_limited", `Too many invitations were mailed; try again in ${Math.ceil(wait / 60)} minutes`, {
    details: { retryAfterSeconds: wait },
  });
}
