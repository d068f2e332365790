import { AppError } from "@devflow/errors";
import { and, eq, ne } from "drizzle-orm";
import type { Caller, Principal } from "../../../platform/auth/index.ts";
import { users } from "../../../platform/auth/schema.ts";
import type { Context } from "../../../platform/context.ts";
import type { Database } from "../../../platform/db/index.ts";
import { isMailSet, queueMail, renderMail } from "../../../platform/mail/index.ts";
import { linkBase } from "../link-base.ts";
import { type Person, personOf } from "../person.ts";
import { tellOfChange } from "../tell-of-change.ts";
import { endOneTime, makeOneTime, takeOneTime } from "./one-time.ts";
import { selfPrincipal } from "./self-principal.ts";

const validMs = 3_600_000;

/**
 * Begins to change the address of whoever asks, or to verify the present one: a link goes to it, and it counts once the
 * link is opened. Without mail it is changed at once, unverified. Throws AppError forbidden for API tokens.
 */
export async function changeEmail({
  ctx,
  principal,
  input,
}: {
  ctx: Context;
  principal: Principal;
  input: { email: string };
}): Promise<{ sent: boolean }> {
  const person = await personOf(ctx, principal);
  const email = input.email.toLowerCase();
  if (!(await isMailSet(ctx))) {
    if (email === person.email) throw new AppError("conflict", "DevFlow sends no mail here, so addresses cannot be verified");
    await ctx.db.transaction((tx) => setEmail(tx, ctx, principal, { person, email, emailVerified: false }));
    return { sent: false };
  }
  await ctx.db.transaction(async (tx) => {
    const token = await makeOneTime(tx, ctx, "email", { userId: person.id, value: email, validMs });
    const subject = "Confirm your e-mail address";
    const mail = renderMail({
      title: subject,
      paragraphs: [`Open the link to use ${email} for your DevFlow account. It works once and for an hour.`],
      action: { label: "Confirm the address", url: `${linkBase(ctx)}/verify-email#${token}` },
      footer: "If you did not ask for this, do nothing.",
    });
    await queueMail(tx, ctx, { to: email, subject, ...mail }, validMs);
  });
  ctx.bus.emit("mail.queued", {});
  return { sent: true };
}

/** Takes the link of the mail. Throws AppError forbidden for a wrong, used or late one, conflict when somebody else has the address by now. */
export async function verifyEmail({
  ctx,
  input: { token, caller, requestId },
}: {
  ctx: Context;
  input: { token: string; caller: Caller; requestId: string };
}): Promise<void> {
  await ctx.db.transaction(async (tx) => {
    const taken = await takeOneTime(tx, ctx, "email", token);
    const [person] = taken === null ? [] : await tx.select().from(users).where(eq(users.id, taken.userId));
    if (taken === null || person === undefined)
      throw new AppError("forbidden", "This link is wrong, older than an hour, or was used already; ask for a new one in your profile");
    const principal = await selfPrincipal(tx, ctx, person, { caller, requestId });
    await setEmail(tx, ctx, principal, { person, email: taken.value, emailVerified: true });
  });
  ctx.bus.emit("mail.queued", {});
}

/** Writes the new address; the old one is told. Links to reset the password that went to the old one end. */
async function setEmail(
  tx: Pick<Database, "select" | "insert" | "update" | "delete">,
  ctx: Context,
  principal: Principal,
  { person, email, emailVerified }: { person: Person; email: string; emailVerified: boolean },
): Promise<void> {
  const others = await tx
    .select({ id: users.id })
    .from(users)
    .where(and(eq(users.email, email), ne(users.id, person.id)));
  if (others.length > 0) throw new AppError("conflict", "Another user has this address");
  await tx
    .update(users)
    .set({ email, emailVerified, updatedAt: new Date(ctx.clock.now()) })
    .where(eq(users.id, person.id));
  await endOneTime(tx, ctx, "password-reset", person.id);
  const changed = email !== person.email;
  await tellOfChange(tx, ctx, principal, person, {
    action: changed ? "users.change-email" : "users.verify-email",
    before: { email: person.email, verified: person.emailVerified },
    after: { email, verified: emailVerified },
    notice: changed ? `The address of your account is now ${email}` : null,
  });
}
