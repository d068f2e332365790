import type { Sql } from "./sql.ts";

/** Longer ones hold lists of values: hardly ever asked twice. */
const maxTextLength = 4_000;
/** Statements that a connection keeps at most, and texts that are remembered to tell which recur. */
const maxPrepared = 300;
const maxSeen = 2_000;

/** Tells which statements recur: those asked for a second time, as long as there is room. */
export function createRecurring(bounds = { prepared: maxPrepared, seen: maxSeen }): (text: string) => boolean {
  const prepared = new Set<string>();
  let seen = new Set<string>();
  return (text) => {
    if (prepared.has(text)) return true;
    if (text.length > maxTextLength || prepared.size >= bounds.prepared) return false;
    if (seen.has(text)) {
      seen.delete(text);
      prepared.add(text);
      return true;
    }
    if (seen.size >= bounds.seen) seen = new Set();
    seen.add(text);
    return false;
  };
}

type Unsafe = (text: string, parameters?: unknown[], options?: object) => unknown;
type Work = (sql: Sql) => unknown;

/**
 * A client for drizzle, which never lets postgres.js prepare anything: each of its statements would be sent in two round
 * trips, and read and planned anew by the server. Here those that recur are prepared, as those of sql`…` are.
 */
export function preparing(sql: Sql, recurs = createRecurring()): Sql {
  const inner = (work: Work): Work => ((client: Sql) => work(preparing(client, recurs))) as Work;
  const nested =
    (name: "begin" | "savepoint") =>
    (...args: unknown[]): unknown => {
      const work = inner(args.pop() as Work);
      return (sql as unknown as Record<string, (...args: unknown[]) => unknown>)[name]!(...args, work);
    };
  return new Proxy(sql, {
    get(target, name) {
      const value = Reflect.get(target, name) as unknown;
      if (name === "begin" || name === "savepoint") return value === undefined ? value : nested(name);
      if (name !== "unsafe") return value;
      return (text: string, parameters: unknown[] = [], options: object = {}) =>
        (value as Unsafe)(text, parameters, parameters.length > 0 && recurs(text) ? { ...options, prepare: true } : options);
    },
  });
}
