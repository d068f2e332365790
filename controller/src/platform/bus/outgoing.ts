import { type Events, reach } from "./events.ts";
import { type EventText, maxEventBytes, takeTexts } from "./payload.ts";

export interface OutgoingOptions {
  /** Sends payloads in order, all or none; each with its events, `missed` with the first. */
  send(payloads: readonly (readonly EventText[])[], missed: boolean): Promise<void>;
  onFailed(error: unknown): void;
  onTooLarge(name: string, bytes: number): void;
  /** At least so long between two sendings. Default 100. */
  readonly everyMs?: number;
  /** Payloads of one sending at most. Default 5: with everyMs, 50 notifications a second. */
  readonly payloadsAtOnce?: number;
  /** Beyond this, others are told that they missed something. Default 20,000. */
  readonly maxWaiting?: number;
}

export interface Outgoing {
  add(name: keyof Events, event: object): void;
  readonly waiting: number;
  /** Sends what waits, once; used at the end. */
  close(): Promise<void>;
}

const maxRetryMs = 5_000;

/**
 * Gathers events for other processes. The first goes out with the turn of the event loop; while many come, equal ones
 * are merged and the rest leaves in bounded portions, urgent ones first. What cannot be sent waits for the database.
 */
export function createOutgoing(options: OutgoingOptions): Outgoing {
  const { everyMs = 100, payloadsAtOnce = 5, maxWaiting = 20_000 } = options;
  const urgent = new Set<EventText>();
  const rest = new Set<EventText>();
  let missed = false;
  let nextAtMs = 0;
  let failures = 0;
  let timer: NodeJS.Timeout | NodeJS.Immediate | null = null;
  let sending: Promise<void> | null = null;
  let closed = false;

  const plan = (): void => {
    if (closed || timer !== null || sending !== null || (urgent.size + rest.size === 0 && !missed)) return;
    const waitMs = nextAtMs - performance.now();
    const go = (): void => {
      timer = null;
      sending = flush().finally(() => {
        sending = null;
        plan();
      });
    };
    timer = waitMs <= 0 ? setImmediate(go) : setTimeout(go, waitMs);
  };

  const flush = async (): Promise<void> => {
    const payloads: EventText[][] = [];
    while (payloads.length < payloadsAtOnce && urgent.size + rest.size > 0) {
      const { taken, usedBytes } = takeTexts(urgent);
      payloads.push(takeTexts(rest, taken, usedBytes).taken);
    }
    const told = missed;
    missed = false;
    nextAtMs = performance.now() + everyMs;
    try {
      await options.send(payloads.length === 0 ? [[]] : payloads, told);
      failures = 0;
    } catch (error) {
      missed ||= told;
      for (const text of payloads.flat()) (isUrgent(text) ? urgent : rest).add(text);
      bound();
      nextAtMs = performance.now() + Math.min(everyMs * 2 ** ++failures, maxRetryMs);
      options.onFailed(error);
    }
  };

  const bound = (): void => {
    if (urgent.size + rest.size <= maxWaiting) return;
    urgent.clear();
    rest.clear();
    missed = true;
  };

  return {
    add(name, event) {
      const text = JSON.stringify([name, event]);
      const bytes = Buffer.byteLength(text);
      if (bytes > maxEventBytes) {
        options.onTooLarge(name, bytes);
        missed = true;
      } else (reach[name] === "at once" ? urgent : rest).add(text);
      bound();
      plan();
    },
    get waiting() {
      return urgent.size + rest.size;
    },
    async close() {
      closed = true;
      if (timer !== null) {
        clearTimeout(timer as NodeJS.Timeout);
        clearImmediate(timer as NodeJS.Immediate);
      }
      await sending;
      if (urgent.size + rest.size > 0 || missed) await flush();
    },
  };
}

const isUrgent = (text: EventText): boolean => reach[(JSON.parse(text) as [keyof Events])[0]] === "at once";
