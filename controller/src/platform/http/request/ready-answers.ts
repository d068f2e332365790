import { promisify } from "node:util";
import { constants, gzip } from "node:zlib";
import { type Access, reachOf, type Principal } from "../../auth/index.ts";
import type { Permission } from "@devflow/api";
import type { RouteDefinition } from "../route.ts";

const compress = promisify(gzip);

/** A JSON answer made ready to be sent again: its bytes, their compressed form once somebody wants it, its tag. */
export class ReadyAnswer {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly etag: string;
  #gzip: Promise<Uint8Array<ArrayBuffer>> | null = null;

  constructor(text: string, etag: string) {
    this.bytes = new TextEncoder().encode(text);
    this.etag = etag;
  }

  gzip(): Promise<Uint8Array<ArrayBuffer>> {
    return (this.#gzip ??= compress(this.bytes, { level: constants.Z_BEST_SPEED }).then((bytes) => new Uint8Array(bytes)));
  }
}

export interface ReadyAnswers {
  /** The answer under a key: a fresh one, made by `make`, unless the same was asked so often lately that it is kept. */
  get(key: string, organizationId: string, make: () => Promise<ReadyAnswer>): Promise<ReadyAnswer> | ReadyAnswer;
  /** Something was changed through this controller: whoever reads next sees it. */
  changed(organizationId: string): void;
}

interface Entry {
  /** Requests in the second that began at `sinceMs`. */
  count: number;
  sinceMs: number;
  hot: boolean;
  answer: ReadyAnswer | null;
  untilMs: number;
  making: Promise<ReadyAnswer> | null;
  generation: number;
}

/**
 * Answers that many ask for at the same time are made once and kept for a quarter of a second; what is asked for
 * seldom is always made anew.
 * @param options.hotFrom requests for the same in a second from which an answer is kept; default 10
 * @param options.keepMs default 250
 * @param options.maxKeys default 100
 */
export function createReadyAnswers(options: { now: () => number; hotFrom?: number; keepMs?: number; maxKeys?: number }): ReadyAnswers {
  const { now, hotFrom = 10, keepMs = 250, maxKeys = 100 } = options;
  const entries = new Map<string, Entry>();
  const generations = new Map<string, number>();
  const generationOf = (organizationId: string) => generations.get(organizationId) ?? 0;

  const note = (key: string, atMs: number): Entry => {
    let entry = entries.get(key);
    if (entry === undefined) {
      if (entries.size >= maxKeys) entries.delete(entries.keys().next().value!);
      entry = { count: 0, sinceMs: atMs, hot: false, answer: null, untilMs: 0, making: null, generation: 0 };
      entries.set(key, entry);
    }
    if (atMs - entry.sinceMs >= 1_000 || atMs < entry.sinceMs) {
      entry.hot = entry.count >= hotFrom && atMs - entry.sinceMs < 2_000;
      Object.assign(entry, { count: 0, sinceMs: atMs });
      if (!entry.hot) entry.answer = null;
    }
    entry.count += 1;
    if (entry.count >= hotFrom) entry.hot = true;
    return entry;
  };

  return {
    get(key, organizationId, make) {
      const atMs = now();
      const entry = note(key, atMs);
      if (!entry.hot) return make();
      const generation = generationOf(organizationId);
      if (entry.generation === generation) {
        if (entry.answer !== null && atMs < entry.untilMs) return entry.answer;
        if (entry.making !== null) return entry.making;
      }
      const making = make().then((answer) => {
        if (entry.making === making) Object.assign(entry, { answer, untilMs: atMs + keepMs });
        return answer;
      });
      Object.assign(entry, { making, generation, answer: null });
      const forget = () => {
        if (entry.making === making) entry.making = null;
      };
      making.then(forget, forget);
      return making;
    },
    changed(organizationId) {
      generations.set(organizationId, generationOf(organizationId) + 1);
    },
  };
}

const reachKeys = new WeakMap<Access, Map<Permission, string>>();

/** The same for all who ask the same and get the same: route, query, organisation and where the permission is held. */
export function readyKey(definition: RouteDefinition, { organizationId, access }: Principal, path: string, search: string): string {
  const permission = definition.permission as Permission;
  let keys = reachKeys.get(access);
  if (keys === undefined) reachKeys.set(access, (keys = new Map()));
  let reach = keys.get(permission);
  if (reach === undefined) keys.set(permission, (reach = JSON.stringify(reachOf(access, permission))));
  return `${path}\n${search}\n${organizationId}\n${reach}`;
}
