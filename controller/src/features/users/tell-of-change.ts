import type { EventData } from "@devflow/api";
import { writeAudit } from "../../platform/audit/index.ts";
import type { Principal } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";
import type { Database } from "../../platform/db/index.ts";
import { writeEvent } from "../../platform/events/index.ts";
import { queueMail, renderMail } from "../../platform/mail/index.ts";
import { linkBase } from "./link-base.ts";

interface Change {
  /** Of the audit log: "users.change-password". */
  readonly action: string;
  readonly event?:
    | { readonly type: "user.password-changed"; readonly data: EventData<"user.password-changed"> }
    | { readonly type: "user.factor-changed"; readonly data: EventData<"user.factor-changed"> };
  readonly before?: unknown;
  readonly after?: unknown;
  /** What the mail to the person says happened; null: none. */
  readonly notice: string | null;
  /** Whom to tell; default the person's present address. */
  readonly to?: string;
}

/**
 * Writes down a change of how somebody signs in: audit, event, and a notice by mail when mail is set, so that a person
 * hears of what another one did in their name. In the caller's transaction; emit "mail.queued" after the commit.
 */
export async function tellOfChange(
  tx: Pick<Database, "select" | "insert">,
  ctx: Context,
  principal: Principal,
  person: { readonly id: string; readonly name: string; readonly email: string },
  { action, event, before, after, notice, to = person.email }: Change,
): Promise<void> {
  await writeAudit(tx, principal, { action, targetKind: "user", targetId: person.id, before, after });
  if (event !== undefined) await writeEvent(tx, principal, { ...event, subject: { kind: "user", id: person.id, name: person.email } });
  if (notice === null) return;
  const mail = renderMail({
    title: notice,
    paragraphs: [`This is about your account ${person.email}.`],
    facts: [
      ["When", `${new Date(ctx.clock.now()).toISOString().slice(0, 16).replace("T", " ")} UTC`],
      ["From", principal.address ?? "this machine"],
    ],
    footer: `If this was not you, reset your password at ${linkBase(ctx)}/forgot-password and look at the sessions in your profile.`,
  });
  await queueMail(tx, ctx, { to, subject: notice, ...mail });
}
