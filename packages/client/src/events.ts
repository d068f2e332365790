import type { EventData, EventType } from "@devflow/api";
import { chunksOf } from "./body.ts";
import { DevFlowError } from "./error.ts";
import type { components } from "./gen/schema.ts";
import { backOffMs, pause } from "./send.ts";
import { serverSent } from "./server-sent.ts";

type AnyEvent = components["schemas"]["Event"];
/** An event; its `type` says what `data` holds. */
export type TypedEvent = { [T in EventType]: Omit<AnyEvent, "type" | "data"> & { type: T; data: EventData<T> } }[EventType];

export interface EventsOptions {
  /** Default all. */
  readonly types?: readonly EventType[];
  /** The id of the last event that you have, or a time from which on you want them. Default: from now on. */
  readonly since?: string | Date;
  /** Ends it, without an error. */
  readonly signal?: AbortSignal;
  /** "open" each time that it is connected, "lost" when it will try again. */
  readonly onState?: (state: "open" | "lost") => void;
  /** Events that were asked for are past their retention: read the list. Default: DevFlowError "missed". */
  readonly onMissed?: () => void;
}

/** How the controller is asked. */
export interface EventSource {
  stream(types: string | undefined, lastEventId: string | null, signal: AbortSignal): Promise<Response>;
  /** Id of the newest event of that time or before it; null: there is none. */
  newestUntil(time: string, signal: AbortSignal): Promise<string | null>;
}

/** The controller says something each 15 s; without it the connection is dead. */
const silentMs = 45_000;
/** Events come in the order of commits; a transaction that began before `since` has ended so long after it. */
const slackMs = 60_000;
/** As a last event: begin with the first that there is. */
const beginning = "0";

const passing = new Set<DevFlowError["code"]>(["unreachable", "unavailable", "timeout", "rate_limited", "internal"]);

/**
 * Events over as many connections as it takes, each once.
 * @throws DevFlowError when it is of no use to try again: signed out, not allowed, wrong types, another program answers
 */
export async function* followEvents(options: EventsOptions, source: EventSource): AsyncGenerator<TypedEvent, void, undefined> {
  const { since } = options;
  const fromMs = since instanceof Date ? since.getTime() : null;
  const done = new AbortController();
  const signal = options.signal === undefined ? done.signal : AbortSignal.any([options.signal, done.signal]);
  /** Undefined: to be looked up; null: from now on. */
  let last: string | null | undefined = fromMs === null ? ((since as string | undefined) ?? null) : undefined;
  let attempt = 0;
  try {
    while (!signal.aborted) {
      let waitMs = 0;
      try {
        if (last === undefined) last = (await source.newestUntil(new Date(fromMs! - slackMs).toISOString(), signal)) ?? beginning;
        const response = await source.stream(options.types?.join(","), last, signal);
        options.onState?.("open");
        for await (const { id, event, data } of serverSent(chunksOf(response, silentMs))) {
          attempt = 0;
          if (event === "missed") {
            last = null;
            if (options.onMissed === undefined)
              throw new DevFlowError("missed", "Events since then are past their retention; list the events, then follow from now on");
            options.onMissed();
          }
          if (id !== undefined && id !== "") last = id;
          if (event !== undefined || data === "") continue;
          const happened = JSON.parse(data) as TypedEvent;
          if (fromMs === null || Date.parse(happened.at) >= fromMs) yield happened;
        }
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof DevFlowError) || !passing.has(error.code)) throw error;
        waitMs = (error.retryAfterSeconds ?? 0) * 1000;
      }
      if (signal.aborted) return;
      options.onState?.("lost");
      await pause(Math.max(waitMs, backOffMs(attempt++)), signal).catch(() => undefined);
    }
  } finally {
    done.abort();
  }
}
