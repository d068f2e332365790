import { mailSettings } from "@devflow/api";
import { AppError } from "@devflow/errors";
import type { Context } from "../context.ts";
import type { Database } from "../db/index.ts";
import { readSetting } from "../settings/index.ts";
import { inWords } from "./in-words.ts";
import { mails } from "./schema.ts";
import { type Mail, sealName } from "./mail.ts";
import { transmit } from "./transport.ts";

export { deliverMails, startDelivery } from "./deliver.ts";
export type { Mail } from "./mail.ts";
export { readMailQueue } from "./queue.ts";
export { type MailText, renderMail } from "./template.ts";

const keptMs = 24 * 3_600_000;

/** Whether mail can be sent: an administrator set a server in Settings → Mail. */
export async function isMailSet(ctx: Pick<Context, "db" | "masterKey">): Promise<boolean> {
  return (await readSetting(ctx, "mail", mailSettings)) !== null;
}

/**
 * Queues a mail in the caller's transaction; emit "mail.queued" after the commit, so that it leaves at once rather than
 * within a minute. Retried with growing pauses. False, and nothing queued, while no mail server is set.
 * @param validMs it is of no use afterwards and will not be sent any more; default 24 h
 */
export async function queueMail(
  tx: Pick<Database, "select" | "insert">,
  ctx: Pick<Context, "masterKey" | "clock">,
  mail: Mail,
  validMs = keptMs,
): Promise<boolean> {
  if ((await readSetting({ db: tx, masterKey: ctx.masterKey }, "mail", mailSettings)) === null) return false;
  const now = ctx.clock.now();
  await tx.insert(mails).values({
    sealed: ctx.masterKey.wrap(sealName, Buffer.from(JSON.stringify(mail))),
    createdAt: new Date(now),
    nextAttemptAt: new Date(now),
    expiresAt: new Date(now + validMs),
  });
  return true;
}

/** Queues a mail outside of any transaction. False while no mail server is set. */
export async function sendMail(ctx: Context, mail: Mail, validMs = keptMs): Promise<boolean> {
  const queued = await queueMail(ctx.db, ctx, mail, validMs);
  if (queued) ctx.bus.emit("mail.queued", {});
  return queued;
}

/** Sends one mail now and returns the server's answer. Throws AppError conflict while no server is set, outside_failed with why and the server's words. */
export async function sendMailNow(ctx: Pick<Context, "db" | "masterKey">, mail: Mail): Promise<string> {
  const setting = await readSetting(ctx, "mail", mailSettings);
  if (setting === null) throw new AppError("conflict", "No mail server is set; save one first");
  try {
    return await transmit(setting.value, setting.secrets["password"], mail);
  } catch (cause) {
    const { host, port } = setting.value;
    throw new AppError("outside_failed", `The mail server ${host}:${port} did not take the mail. ${inWords(cause).slice(0, 500)}`, {
      cause,
    });
  }
}
