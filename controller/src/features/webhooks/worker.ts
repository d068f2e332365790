import { setTimeout as setTimeoutPromise } from "node:timers/promises";
import { eq } from "drizzle-orm";
import type { Context } from "../../platform/context.ts";
import { arrayLiteral, databaseUnavailable } from "../../platform/db/index.ts";
import type { Stop } from "../../platform/feature.ts";
import { counter } from "../../platform/observability/index.ts";
import { openLine, type Outgoing } from "../../platform/outgoing/index.ts";
import { attempt } from "./attempt.ts";
import { nextDue } from "./due.ts";
import { beginFanOut, fanOut } from "./fan-out.ts";
import { webhooks } from "./schema.ts";
import { settle } from "./settle.ts";

export interface WorkerOptions {
  /** Webhooks that one worker delivers to at the same time, those that fail beside them. Default 32. */
  readonly atOnce?: number;
  /** Webhooks that failed last, and are tried at the same time: each may take as long as the timeout. Default 8. */
  readonly failingAtOnce?: number;
  /** How often it looks without being told. Default 1,000. */
  readonly everyMs?: number;
  /** From the look-up of the name to the answer. Default 10,000. */
  readonly timeoutMs?: number;
}

/** A webhook is its worker's for so long from each delivery on; a worker that died gives it back by that. */
const claimMs = 60_000;
/** Deliveries to one webhook in a row, so that hundreds of webhooks take turns. */
const inARow = 50;
/** Those that fail rest for seconds anyway. */
const failingEveryMs = 250;
/** How long a stop waits for what is under way. */
const stopWaitMs = 3_000;
/** Looks after word of events whose transactions may not be settled yet. */
const nudgesMs = [0, 30, 150, 500];

/**
 * Delivers: makes deliveries of new events, and sends what is due. To one webhook one at a time in their order, to
 * different ones at the same time, so that a slow endpoint is slow for itself only. Those that fail have places of their
 * own, so that however many are dead, the others go on. Any number of workers may run.
 */
export async function startDelivery(
  ctx: Context,
  outgoing: Outgoing,
  { atOnce = 32, failingAtOnce = 8, everyMs = 1_000, timeoutMs = 10_000 }: WorkerOptions = {},
): Promise<Stop> {
  const log = ctx.log.child({ scope: "webhooks" });
  const sent = counter("devflow_webhook_attempts_total", "Attempts to deliver to webhooks", ["outcome"]);
  const active = new Map<string, { readonly failing: boolean; readonly serving: Promise<void> }>();
  let running: Promise<void> | null = null;
  let again = false;
  let stopped = false;
  /** When those that fail are looked at next. */
  let failingAtMs = 0;

  const failed = (error: unknown): void => {
    const away = databaseUnavailable(error);
    if (away === undefined) log.error({ err: error }, "webhooks could not be delivered; trying again");
    else log.debug({ reason: away.message }, "webhooks wait for the database");
  };

  const round = async (): Promise<void> => {
    while (!stopped && (await fanOut(ctx)).full);
    for (const failing of [false, true]) {
      const taken = [...active.values()].filter((one) => one.failing === failing).length;
      const free = (failing ? failingAtOnce : atOnce) - taken;
      if (stopped || free <= 0 || (failing && performance.now() < failingAtMs)) continue;
      if (failing) failingAtMs = performance.now() + failingEveryMs;
      for (const id of await claim(ctx, { own: [...active.keys()], failing, count: free })) {
        const serving = serve(id)
          .catch(failed)
          .finally(() => {
            active.delete(id);
            look();
          });
        active.set(id, { failing, serving });
      }
    }
  };

  const look = (): void => {
    if (stopped) return;
    if (running !== null) {
      again = true;
      return;
    }
    again = false;
    running = round()
      .catch(failed)
      .finally(() => {
        running = null;
        if (again) look();
      });
  };

  const serve = async (webhookId: string): Promise<void> => {
    const line = openLine();
    try {
      let due = await nextDue(ctx, webhookId);
      for (let n = 0; n < inARow && !stopped && due !== null; n++) {
        const made = await attempt(ctx, outgoing, due, { line, timeoutMs });
        const { delivered, next } = await settle(ctx, due.delivery, made, new Date(ctx.clock.now() + claimMs));
        sent.inc({ outcome: delivered ? "delivered" : "failed" });
        due = next;
      }
    } finally {
      line.close();
      await ctx.db.update(webhooks).set({ claimedUntil: null }).where(eq(webhooks.id, webhookId));
    }
  };

  await beginFanOut(ctx);
  const nudges = new Set<NodeJS.Timeout>();
  const nudge = (): void => {
    // Those that are planned look late enough for this one too.
    if (nudges.size > nudgesMs.length) return;
    for (const afterMs of nudgesMs) {
      const timer = setTimeout(() => {
        nudges.delete(timer);
        look();
      }, afterMs);
      nudges.add(timer);
    }
  };
  const offs = [ctx.bus.on("events.written", nudge), ctx.bus.on("bus.resumed", nudge)];
  const timer = setInterval(look, everyMs);
  look();
  return async () => {
    stopped = true;
    clearInterval(timer);
    for (const off of offs) off();
    for (const planned of nudges) clearTimeout(planned);
    await running;
    // What is cut off here was perhaps delivered, and is sent again: a webhook gets each event at least once.
    await Promise.race([Promise.all([...active.values()].map(({ serving }) => serving)), setTimeoutPromise(stopWaitMs)]);
  };
}

/** Takes webhooks to which something is due and that no other worker delivers to, nor this one (`own`), whatever the clock says. */
async function claim(
  ctx: Context,
  { own, failing, count }: { own: readonly string[]; failing: boolean; count: number },
): Promise<string[]> {
  const { sql } = ctx;
  const nowMs = ctx.clock.now();
  const now = new Date(nowMs);
  const rows = await sql<{ id: string }[]>`
    update webhooks set claimed_until = ${new Date(nowMs + claimMs)} where id in (
      select w.id from webhooks w
      where w.disabled_at is null and (w.claimed_until is null or w.claimed_until < ${now}) and (w.rests_until is null or w.rests_until <= ${now})
        and (w.failing_since is not null) = ${failing} and w.id <> all(${arrayLiteral(own)}::uuid[])
        and exists (select from webhook_deliveries d where d.webhook_id = w.id and d.next_attempt_at <= ${now})
      order by w.claimed_until nulls first, random() limit ${count} for update of w skip locked)
    returning id`;
  return rows.map(({ id }) => id);
}
