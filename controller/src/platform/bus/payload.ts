import type { MasterKey } from "../crypto/master-key.ts";
import { type Events, reach } from "./events.ts";

/** An event as it travels: `["server.changed",{…}]`. Equal ones are one. */
export type EventText = string;
type Told = { [K in keyof Events]: readonly [K, Events[K]] }[keyof Events];

/** What one NOTIFY says. */
export interface Payload {
  readonly origin: string;
  readonly events: readonly Told[];
  /** The origin had more to tell than it could: read everything again. */
  readonly missed: boolean;
}

/** NOTIFY takes less than 8000 bytes; the origin's UUID, a dot and base64 of nonce, text and tag have to fit. */
export const maxTextBytes = Math.floor((7_999 - 37) / 4) * 3 - 28;
/** Room that the brackets take. */
const frameBytes = 24;
/** A reference that is larger than this is none. */
export const maxEventBytes = 2_000;

/** Takes as many events off the front of `waiting` as one payload holds. */
export function takeTexts(
  waiting: Set<EventText>,
  taken: EventText[] = [],
  usedBytes = frameBytes,
): { taken: EventText[]; usedBytes: number } {
  for (const text of waiting) {
    const bytes = Buffer.byteLength(text) + 1;
    if (usedBytes + bytes > maxTextBytes) break;
    usedBytes += bytes;
    taken.push(text);
    waiting.delete(text);
  }
  return { taken, usedBytes };
}

const nameOf = (origin: string): string => `bus ${origin}`;

/**
 * Any login of the database may LISTEN and NOTIFY, one made for Grafana too: sealed, so that it learns nothing and can
 * forge nothing.
 * @param key used for nothing else
 */
export function sealPayload(key: MasterKey, origin: string, texts: readonly EventText[], missed: boolean): string {
  const text = `{"events":[${texts.join(",")}]${missed ? ',"missed":true' : ""}}`;
  return `${origin}.${key.wrap(nameOf(origin), Buffer.from(text)).toString("base64")}`;
}

/** Null when it is this process's own echo. Throws Error when it was not sealed by this installation. */
export function openPayload(key: MasterKey, ownId: string, payload: string): Payload | null {
  const dot = payload.indexOf(".");
  const origin = payload.slice(0, dot);
  if (origin === ownId) return null;
  const text = key.unwrap(nameOf(origin), Buffer.from(payload.slice(dot + 1), "base64")).toString("utf8");
  const { events, missed = false } = JSON.parse(text) as { events: Told[]; missed?: boolean };
  // A newer release may tell of what this one does not know.
  const known = events.filter(([name]) => Object.hasOwn(reach, name) && travels(name));
  return { origin, events: known, missed };
}

/** Whether an event goes through the database. */
export const travels = (name: keyof Events): boolean => reach[name] === "everywhere" || reach[name] === "at once";
