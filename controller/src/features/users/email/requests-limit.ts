import { AppError } from "@devflow/errors";
import { addressGroup } from "../../../platform/address-group.ts";
import type { Caller } from "../../../platform/auth/index.ts";
import type { Context } from "../../../platform/context.ts";
import { createThrottle } from "../../../platform/limits/index.ts";

/** How many mails strangers may have sent in a quarter of an hour: to one mailbox, and from one address. */
const limits = [
  { prefix: "mail-to:", attempts: 3 },
  { prefix: "mail-from:", attempts: 10 },
];

/** Counts a request for a mail. The function it returns throws AppError rate_limited; known and unknown mailboxes count alike. */
export function createMailLimit(ctx: Pick<Context, "sql" | "clock">): (to: string, caller: Caller) => Promise<void> {
  const throttle = createThrottle(ctx, limits);
  return async (to, caller) => {
    const wait = await throttle.count([`mail-to:${to.toLowerCase()}`, `mail-from:${addressGroup(caller.address ?? "unknown")}`]);
    if (wait === 0) return;
    throw new AppError("rate_limited", "Several mails were asked for already; look into your mailbox, or try again later", {
      details: { retryAfterSeconds: wait },
    });
  };
}
