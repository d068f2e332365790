import type { Context } from "../../platform/context.ts";
import { databaseUnavailable } from "../../platform/db/index.ts";
import { comparePositions, type Position } from "./position.ts";
import { readBetween, readSettled, settledPosition, type Wanted } from "./read-events.ts";
import { type EventRow, isVisible, toEvent } from "./visible.ts";

/** Somebody who follows: a stream or a socket. */
export interface Reader extends Wanted {
  /** The last event that it has; null: begin now. */
  readonly after: Position | null;
  /** False while it takes no more; what comes meanwhile is read from the table later. */
  readonly ready: () => boolean;
  readonly write: (row: EventRow) => void;
  /** Called once, with the position that it begins behind. */
  readonly onBegin?: (position: Position) => void;
}

export interface Following {
  /** The reader takes more again. */
  wake(): void;
  end(): void;
}

/** Reads new events once for all readers of the process. */
export interface Follower {
  follow(reader: Reader): Following;
  close(): void;
}

interface State {
  readonly reader: Reader;
  /** Everything up to here was written, or is not wanted. Null until it began. */
  cursor: Position | null;
  /** "live": gets what the follower reads; "behind": the table is to be read for it; "reading": it is being read. */
  phase: "live" | "behind" | "reading";
}

const batch = 500;
const page = 200;
const tickMs = 1_000;
/** After word of new events whose transaction may not be settled yet, the table is asked again so many times. */
const retries = 5;
const firstRetryMs = 15;
/**
 * Handing events over takes the process for a while when thousands follow. It then rests for so many times as long, so
 * that requests come in between; what happens meanwhile goes out together, which costs hardly more than one event.
 */
const restFactor = 3;
const worthRestMs = 1;
const longestRestMs = 250;

/**
 * Follows the table in the order of commits. Word of new events comes over the bus, from this process and others; a
 * look each second finds what nobody told of. Asleep, without any query, while nobody reads.
 */
export function createFollower(ctx: Context): Follower {
  const states = new Set<State>();
  /** Up to where readers that are live have everything; null: asleep. */
  let position: Position | null = null;
  let running = false;
  let again = false;
  /** How long readers were handed events in this look. */
  let handedMs = 0;
  let tick: NodeJS.Timeout | undefined;
  let retry: NodeJS.Timeout | undefined;
  let rest: NodeJS.Timeout | undefined;
  let closed = false;

  const asleep = (): boolean => closed || position === null;

  const failed = (error: unknown): void => {
    const away = databaseUnavailable(error);
    if (away === undefined) ctx.log.error({ scope: "events", err: error }, "events could not be read; trying again");
    else ctx.log.debug({ scope: "events", reason: away.message }, "events wait for the database");
  };

  const offer = (state: State, row: EventRow, before: Position): void => {
    const { reader } = state;
    if (state.phase !== "live" || row.organizationId !== reader.organizationId || !isVisible(reader.parts, row)) return;
    if (reader.types !== null && !reader.types.includes(row.type)) return;
    // It may have come from another controller, whose follower was ahead of this one.
    if (state.cursor !== null && comparePositions(row, state.cursor) <= 0) return;
    if (reader.ready()) reader.write(row);
    else {
      state.phase = "behind";
      state.cursor = before;
    }
  };

  /** Reads what is new. @returns how many events */
  const readNew = async (): Promise<number> => {
    if (position === null) {
      const settled = await settledPosition(ctx);
      if (states.size === 0 || closed) return 0;
      position = settled;
    }
    let total = 0;
    for (;;) {
      const rows: EventRow[] = await readSettled(ctx, position, batch);
      // Everybody left meanwhile.
      if (states.size === 0 || closed) return total;
      const began = performance.now();
      for (const row of rows) {
        for (const state of states) offer(state, row, position);
        position = { transaction: row.transaction, sequence: row.sequence };
      }
      total += rows.length;
      if (rows.length > 0) {
        // The readers' own work comes before this turn of the event loop ends.
        await new Promise((resolve) => setImmediate(resolve));
        handedMs += performance.now() - began;
      }
      if (rows.length < batch || asleep()) return total;
    }
  };

  const look = async (retriesLeft: number): Promise<void> => {
    if (closed || states.size === 0) return;
    if (running || rest !== undefined) {
      again = true;
      return;
    }
    running = true;
    let found = 0;
    handedMs = 0;
    try {
      do {
        again = false;
        found += await readNew();
      } while (again && handedMs < worthRestMs && !closed && states.size > 0);
    } catch (error) {
      failed(error);
    }
    running = false;
    for (const state of states) void catchUp(state);
    if (handedMs >= worthRestMs && !closed && states.size > 0) {
      rest = setTimeout(
        () => {
          rest = undefined;
          if (again) void look(retries);
        },
        Math.min(longestRestMs, handedMs * restFactor),
      );
      rest.unref();
    }
    if (found > 0 || retriesLeft === 0 || closed) return;
    clearTimeout(retry);
    retry = setTimeout(() => void look(retriesLeft - 1), firstRetryMs * 2 ** (retries - retriesLeft));
    retry.unref();
  };

  /** Reads the table for one reader until it has everything that those who are live have. */
  const catchUp = async (state: State): Promise<void> => {
    const { reader } = state;
    if (state.phase !== "behind" || position === null || !reader.ready()) return;
    if (state.cursor === null) {
      state.cursor = reader.after ?? position;
      reader.onBegin?.(state.cursor);
    }
    state.phase = "reading";
    try {
      for (;;) {
        const until: Position = position;
        const rows: EventRow[] = comparePositions(state.cursor, until) < 0 ? await readBetween(ctx, reader, state.cursor, until, page) : [];
        if (!states.has(state)) return;
        for (const row of rows) {
          if (!reader.ready()) {
            state.phase = "behind";
            return;
          }
          reader.write(row);
          state.cursor = { transaction: row.transaction, sequence: row.sequence };
        }
        if (rows.length === page) continue;
        if (comparePositions(state.cursor, until) < 0) state.cursor = until;
        // Nothing was read for the others since: from here on it is one of them.
        if (until === position) {
          state.phase = "live";
          return;
        }
      }
    } catch (error) {
      state.phase = "behind";
      failed(error);
    }
  };

  const offs = [ctx.bus.on("events.written", () => void look(retries)), ctx.bus.on("bus.resumed", () => void look(retries))];
  const sleep = (): void => {
    clearInterval(tick);
    clearTimeout(retry);
    clearTimeout(rest);
    tick = undefined;
    rest = undefined;
    position = null;
  };

  return {
    follow(reader) {
      const state: State = { reader, cursor: null, phase: "behind" };
      states.add(state);
      tick ??= setInterval(() => void look(0), tickMs).unref();
      if (position === null) void look(0);
      else void catchUp(state);
      return {
        wake: () => void catchUp(state),
        end() {
          states.delete(state);
          if (states.size === 0) sleep();
        },
      };
    },
    close() {
      closed = true;
      for (const off of offs) off();
      states.clear();
      sleep();
    },
  };
}

const texts = new WeakMap<EventRow, string>();
const frames = new WeakMap<EventRow, Buffer>();

/** The event as server-sent events have it, made once however many read it. */
export function eventFrame(row: EventRow): Buffer {
  let frame = frames.get(row);
  if (frame === undefined) frames.set(row, (frame = Buffer.from(`id: ${row.id}\ndata: ${eventText(row)}\n\n`)));
  return frame;
}

/** JSON of the event as the API tells it, made once however many read it. */
export function eventText(row: EventRow): string {
  let text = texts.get(row);
  if (text === undefined) texts.set(row, (text = JSON.stringify(toEvent(row))));
  return text;
}
