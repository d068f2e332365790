import { type MailSettings, mailSettings, type MailState, type PutMailSettings, type TestMailResult } from "@devflow/api";
import { AppError } from "@devflow/errors";
import { writeAudit } from "../../platform/audit/index.ts";
import type { Principal } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";
import { readMailQueue, renderMail, sendMailNow } from "../../platform/mail/index.ts";
import { deleteSetting, readSetting, writeSetting } from "../../platform/settings/index.ts";

const key = "mail";
const target = { targetKind: "setting", targetId: key } as const;

export async function readMail({ ctx }: { ctx: Context }): Promise<MailState> {
  const [setting, queue] = await Promise.all([readSetting(ctx, key, mailSettings), readMailQueue(ctx)]);
  return { mail: setting?.value ?? null, hasPassword: setting?.secrets["password"] !== undefined, ...queue };
}

/**
 * Stores the mail server. The password stays when none is given, as long as it would go to the same server and user:
 * otherwise whoever may change settings could have it sent to a server of their own. Throws AppError invalid.
 */
export async function putMail({
  ctx,
  principal,
  input,
}: {
  ctx: Context;
  principal: Principal;
  input: PutMailSettings;
}): Promise<MailState> {
  const { password: given, ...value } = input;
  await ctx.db.transaction(async (tx) => {
    const before = await readSetting({ db: tx, masterKey: ctx.masterKey }, key, mailSettings);
    const password =
      value.user === null ? undefined : (given ?? (isSameServer(before?.value, value) ? before?.secrets["password"] : undefined));
    if (value.user !== null && password === undefined) {
      const message = "the password is wanted again, since server or user changed";
      throw new AppError("invalid", `The body is not as expected: password: ${message}`, {
        details: { fields: [{ path: "password", message }] },
      });
    }
    await writeSetting(tx, ctx, key, value, password === undefined ? {} : { password });
    await writeAudit(tx, principal, { action: "settings.update", ...target, before: before?.value, after: value });
  });
  return readMail({ ctx });
}

function isSameServer(before: MailSettings | undefined, after: MailSettings): boolean {
  return (
    before !== undefined &&
    (["host", "port", "encryption", "user", "certificateAuthority"] as const).every((field) => before[field] === after[field])
  );
}

export async function removeMail({ ctx, principal }: { ctx: Context; principal: Principal }): Promise<void> {
  await ctx.db.transaction(async (tx) => {
    const before = await readSetting({ db: tx, masterKey: ctx.masterKey }, key, mailSettings);
    if (before === null) return;
    await deleteSetting(tx, key);
    await writeAudit(tx, principal, { action: "settings.delete", ...target, before: before.value });
  });
}

/** Sends one mail now, and tells what the server answered. Throws AppError conflict while no server is set, outside_failed with why. */
export async function testMailServer({ ctx, input: { to } }: { ctx: Context; input: { to: string } }): Promise<TestMailResult> {
  const subject = "Mail from DevFlow works";
  const mail = renderMail({
    title: subject,
    paragraphs: ["Somebody pressed the test button in Settings → Mail. Nothing needs to be done."],
  });
  return { to, answer: await sendMailNow(ctx, { to, subject, ...mail }) };
}
