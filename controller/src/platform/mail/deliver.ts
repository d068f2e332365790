import { mailSettings } from "@devflow/api";
import type { Context } from "../context.ts";
import type { Stop } from "../feature.ts";
import { readSetting } from "../settings/index.ts";
import { inWords } from "./in-words.ts";
import { type Mail, sealName } from "./mail.ts";
import { transmit } from "./transport.ts";

/** Pause after each failed attempt; after the last a mail is given up. About ten hours together. */
const pausesMinutes = [1, 2, 5, 15, 30, 60, 120, 360] as const;

/** How long a mail that was given up is shown in the settings. */
const shownDays = 7;

interface Row {
  id: string;
  sealed: Buffer;
  attempts: number;
}

/**
 * Sends what is due. Each mail is claimed before it is sent, so that several controllers never send it twice; whoever
 * dies with it leaves it to the next attempt. A mail that the server refuses for good (5xx) is given up at once. When
 * the server itself cannot be used, the others wait for the next time rather than each for its time-out.
 */
export async function deliverMails({ ctx, atMost = 200 }: { ctx: Context; atMost?: number }): Promise<{ sent: number; failed: number }> {
  const counts = { sent: 0, failed: 0 };
  const setting = await readSetting(ctx, "mail", mailSettings);
  if (setting === null) return counts;
  await giveUpLate(ctx);
  for (let i = 0; i < atMost; i++) {
    const now = new Date(ctx.clock.now());
    const [row] = await ctx.sql<Row[]>`
      update mails set attempts = attempts + 1, next_attempt_at = ${now}::timestamptz + (array[${ctx.sql.unsafe(pausesMinutes.join(","))}])[least(attempts + 1, ${pausesMinutes.length})] * interval '1 minute'
      where id = (
        select id from mails where next_attempt_at <= ${now} and given_up_at is null order by next_attempt_at limit 1 for update skip locked)
      returning id, sealed, attempts`;
    if (row === undefined) return counts;
    try {
      const mail = JSON.parse(ctx.masterKey.unwrap(sealName, row.sealed).toString()) as Mail;
      await transmit(setting.value, setting.secrets["password"], mail);
      await ctx.sql`delete from mails where id = ${row.id}`;
      counts.sent += 1;
    } catch (error) {
      counts.failed += 1;
      const reason = inWords(error).slice(0, 500);
      const last = isRefusedForGood(error) || row.attempts >= pausesMinutes.length;
      ctx.log[last ? "error" : "warn"](
        { scope: "mail", reason, attempt: row.attempts },
        last ? "a mail was given up" : "a mail could not be sent yet",
      );
      if (last) await ctx.sql`update mails set given_up_at = ${now}, sealed = null, last_error = ${reason} where id = ${row.id}`;
      else await ctx.sql`update mails set last_error = ${reason} where id = ${row.id}`;
      if (!isAboutMail(error)) return counts;
    }
  }
  return counts;
}

/** Gives up what is of no use any more, and forgets what was given up long enough ago. */
async function giveUpLate(ctx: Context): Promise<void> {
  const now = new Date(ctx.clock.now());
  await ctx.sql`delete from mails where given_up_at <= ${now}::timestamptz - ${shownDays} * interval '1 day'`;
  const late = await ctx.sql<{ reason: string }[]>`
    update mails set given_up_at = ${now}, sealed = null, last_error = 'It could not be sent while it was of use. ' || coalesce(last_error, '')
    where given_up_at is null and expires_at <= ${now} returning last_error as reason`;
  for (const { reason } of late) ctx.log.error({ scope: "mail", reason }, "a mail was given up");
}

/** Whether the server took the connection and the sign-in, and then spoke about this mail. */
function isAboutMail(error: unknown): boolean {
  const { code } = error as { code?: string };
  return code === "EENVELOPE" || code === "EMESSAGE";
}

/** The server's word about this recipient or mail. A refused sign-in (535) is a matter of settings, which may be mended. */
function isRefusedForGood(error: unknown): boolean {
  const { responseCode } = error as { responseCode?: number };
  return isAboutMail(error) && responseCode !== undefined && responseCode >= 500;
}

/** Sends mails as they are queued, one delivery at a time in this process. What fails comes again by the minute's job. */
export function startDelivery(ctx: Context): Stop {
  let running: Promise<void> = Promise.resolve();
  let waiting = false;
  const off = ctx.bus.on("mail.queued", () => {
    if (waiting) return;
    waiting = true;
    running = running
      .then(() => {
        waiting = false;
        return deliverMails({ ctx });
      })
      .then(
        () => {},
        (error: unknown) => ctx.log.warn({ scope: "mail", err: error }, "could not send mails"),
      );
  });
  return async () => {
    off();
    await running;
  };
}
