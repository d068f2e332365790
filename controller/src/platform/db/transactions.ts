import { isConnectionLost } from "./errors.ts";
import type { Sql } from "./sql.ts";

export interface Transactions {
  readonly begin: Sql["begin"];
  end(options?: { timeout?: number }): Promise<void>;
}

/** What postgres.js calls when a query is to be run, and what of the query matters to that. */
type Run = ((query: Query) => unknown) & { readonly debug?: unknown };
interface Query {
  handler: Run;
  reject(error: Error): void;
  catch(then: (error: unknown) => void): unknown;
}
type Reserved = Sql & { release(): void };
type Work = (sql: Sql) => unknown;

/** A client of one connection. Once that was lost it is thrown away. */
interface Lane {
  readonly client: Sql;
  /** It has connected. */
  open: boolean;
  lost: boolean;
  /** Called when it was lost. */
  onLost: () => void;
}

/**
 * Runs transactions, each on a connection that carries nothing else meanwhile. postgres.js 3.4.9 begins them on shared
 * ones, which fails in two ways. When a hundred queries wait on a connection, its `begin` is forgotten: what comes next
 * lands in the open transaction, is answered, and is never committed. And when a connection is lost, what its
 * transaction asks next (postgres.js's own "rollback" for one) is written to a socket that is gone, which throws where
 * nobody can catch it: the process ends, or waits for ever. Here a lost connection is thrown away with its client, and
 * what its transaction still asks is refused.
 *
 * As with postgres.js: `begin(options, work)`, `savepoint` inside, and a query that failed fails its scope even when its
 * error was caught. Throws what the work throws, and an error with the code CONNECTION_CLOSED for a lost connection.
 * @param connect makes a client of one connection, which calls `onclose` when that was closed
 * @param size how many run at the same time; more wait for their turn
 */
export function createTransactions(connect: (onclose: () => void) => Sql, size: number): Transactions {
  /** Null: a lane that is made when it is needed. */
  const free: (Lane | null)[] = Array.from({ length: size }, () => null);
  const waiting: (() => void)[] = [];
  const lanes = new Set<Lane>();
  const running = new Set<Promise<unknown>>();
  let ended = false;

  const makeLane = (): Lane => {
    const onclose = (): void => {
      lane.lost = true;
      lane.onLost();
    };
    const lane: Lane = { client: connect(onclose), open: false, lost: false, onLost: () => undefined };
    lanes.add(lane);
    return lane;
  };
  const discard = (lane: Lane): void => {
    lanes.delete(lane);
    void lane.client.end({ timeout: 0 });
  };

  const onLane = async (options: string, work: Work): Promise<unknown> => {
    while (free.length === 0 && !ended) await new Promise<void>((resolve) => waiting.push(resolve));
    if (ended) throw Object.assign(new Error("the client was ended"), { code: "CONNECTION_ENDED" });
    let lane = free.pop() ?? null;
    // Closed while it was idle.
    if (lane?.lost) discard(lane);
    if (lane === null || lane.lost) lane = makeLane();
    try {
      return await transact(lane, options, work);
    } finally {
      if (lane.lost) discard(lane);
      free.push(lane.lost ? null : lane);
      waiting.shift()?.();
    }
  };

  const begin = async (first: string | Work, second?: Work): Promise<unknown> => {
    const done = typeof first === "string" ? onLane(first, second as Work) : onLane("", first);
    running.add(done);
    try {
      return await done;
    } finally {
      running.delete(done);
    }
  };

  return {
    begin: begin as unknown as Sql["begin"],
    async end({ timeout } = {}) {
      ended = true;
      for (const go of waiting.splice(0)) go();
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise((resolve) => timeout !== undefined && (timer = setTimeout(resolve, timeout * 1000)));
      await Promise.race([Promise.allSettled(running), late]);
      clearTimeout(timer);
      await Promise.all([...lanes].map(({ client }) => client.end({ timeout: 0 })));
    },
  };
}

async function transact(lane: Lane, options: string, work: Work): Promise<unknown> {
  const gone = Promise.withResolvers<never>();
  gone.promise.catch(() => undefined); // whoever waits below is told
  // A moment later: a query that was under way says more about why.
  lane.onLost = () => void setImmediate(() => gone.reject(lost()));
  let reserved: Reserved;
  try {
    // A connection that is made for reserve() is never handed out (3.4.9, without fetch_types); one that is there is.
    if (!lane.open) await lane.client`select 1`;
    lane.open = true;
    reserved = await lane.client.reserve();
  } catch (error) {
    lane.lost = true;
    throw error;
  }
  const own = guarded(reserved, lane);
  let savepoints = 0;
  const scope = async (inner: Work): Promise<unknown> => {
    const failures: unknown[] = [];
    const savepoint = async (first: string | Work, second?: Work): Promise<unknown> => {
      const name = `s${savepoints++}`;
      await own.unsafe(`savepoint ${name}`);
      try {
        return await scope(typeof first === "string" ? (second as Work) : first);
      } catch (error) {
        await own.unsafe(`rollback to ${name}`);
        throw error;
      }
    };
    try {
      const answer = inner(guarded(reserved, lane, failures, savepoint));
      // Whoever waits for something else than the database need not be waited for once the connection is gone.
      const result = await Promise.race([Array.isArray(answer) ? Promise.all(answer) : answer, gone.promise]);
      if (failures.length > 0) throw failures[0];
      return result;
    } catch (error) {
      // "current transaction is aborted" says less than what aborted it.
      throw (error as { code?: unknown }).code === "25P02" ? (failures[0] ?? error) : error;
    }
  };
  try {
    const begun = own.unsafe(`begin ${options.replaceAll(/[^a-z ]/gi, "")}`);
    let result: unknown;
    try {
      // What the work asks first travels with a plain "begin", which only fails when the connection does. Should it fail
      // otherwise, the connection is given up with whatever followed.
      if (options === "") begun.execute().catch(() => (lane.lost = true));
      else await begun;
      result = await scope(work);
      await begun;
    } catch (error) {
      // Without an answer nobody knows what the connection is in the middle of.
      await own.unsafe("rollback").catch(() => (lane.lost = true));
      throw error;
    }
    await own.unsafe("commit");
    return result;
  } finally {
    lane.onLost = () => undefined;
    if (!lane.lost) reserved.release();
  }
}

/** The client whose queries are refused once its connection is lost; `failures` gets the errors of those that fail. */
function guarded(sql: Sql, lane: Lane, failures: unknown[] = [], savepoint?: unknown): Sql {
  const watch = <T>(made: T): T => {
    const query = made as unknown as Query;
    if (typeof query.handler !== "function") return made; // an identifier, or a helper for values
    const run = query.handler;
    const watched = (asked: Query): void => {
      if (lane.lost) {
        asked.reject(lost());
        return;
      }
      asked.catch((error: unknown) => {
        failures.push(error);
        if (isConnectionLost(error)) lane.lost = true;
      });
      run(asked);
    };
    query.handler = Object.assign(watched, { debug: run.debug });
    return made;
  };
  return new Proxy(sql, {
    apply: (target, self, args) => watch(Reflect.apply(target as never, self, args)),
    get(target, name) {
      if (name === "savepoint") return savepoint;
      const value = Reflect.get(target, name) as unknown;
      if (name !== "unsafe" && name !== "file") return value;
      return (...args: unknown[]) => watch((value as (...args: unknown[]) => object)(...args));
    },
  });
}

const lost = (): Error => Object.assign(new Error("the connection was lost in the middle of a transaction"), { code: "CONNECTION_CLOSED" });
