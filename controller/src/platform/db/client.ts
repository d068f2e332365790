import type { Socket } from "node:net";
import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import type { Database, Sql } from "./sql.ts";
import { databaseName, socketPort } from "./embedded/index.ts";
import { socketPath } from "./embedded/settings.ts";
import { arrayOidOf, arrayTypes } from "./arrays.ts";
import { type Connections, createConnections } from "./connections.ts";
import { beforeCommits } from "./before-commit.ts";
import { preparing } from "./prepared.ts";
import { createTransactions } from "./transactions.ts";

/** Where a database is: the folder of a unix socket and a name, or an address. */
export type DatabaseTarget = { readonly socketFolder: string; readonly database: string } | { readonly url: string };

/** Target of the embedded server. */
export const embeddedTarget = (socketFolder: string, database = databaseName): DatabaseTarget => ({ socketFolder, database });

export interface ClientOptions {
  /** Connections at most, those that transactions have for themselves included. Default 10; a single one is shared. */
  max?: number;
  /** Seconds after which an unused connection is closed, which gives the server its memory back. Default 20. */
  idleSeconds?: number;
  /** Off when the target is a pooler that hands out connections by transaction. Default on. */
  prepare?: boolean;
  /** Shown in pg_stat_activity. */
  name?: string;
  /** Holds its sockets. */
  connections?: Connections;
}

/**
 * A postgres.js client that connects when first used, and again by itself whenever the connection was lost. While the
 * database is away queries fail at once with a connection error (see databaseUnavailable) rather than wait.
 *
 * Types: bigint comes as number (ours stay below 2^53), numeric as text, timestamps as Date, arrays as arrays; undefined
 * is written as null. Arrays of booleans and dates are passed as sql.array(values).
 */
export function createClient(target: DatabaseTarget, options: ClientOptions = {}): Sql {
  const max = options.max ?? 10;
  const forTransactions = max === 1 ? 0 : Math.max(1, Math.floor(max * TRANSACTIONS_SHARE));
  const settings = {
    max: max - forTransactions,
    idle_timeout: options.idleSeconds ?? 20,
    connect_timeout: 5,
    prepare: options.prepare ?? true,
    backoff: (retries: number) => Math.min(0.05 * 2 ** retries, 1),
    onnotice: () => undefined,
    transform: { undefined: null },
    fetch_types: false,
    types: { ...arrayTypes, number: { to: 20, from: [20], serialize: String, parse: Number } },
    connection: { application_name: options.name ?? "devflow", timezone: "UTC", idle_in_transaction_session_timeout: 60_000 },
    socket: socketFactory(target, options.connections ?? createConnections()),
  };
  // The casts: `socket` is a documented option that the types leave out.
  const sql = connectLazily(target, settings);
  Object.assign((sql.options as unknown as { shared: { typeArrayMap: object } }).shared.typeArrayMap, arrayOidOf);
  return max === 1 ? sql : withOwnTransactions(sql, forTransactions);
}

/** Of a client's connections, those that transactions have for themselves. */
const TRANSACTIONS_SHARE = 0.4;

/** Lets transactions have connections of their own: see createTransactions. */
function withOwnTransactions(sql: Sql, connections: number): Sql {
  // The options as they were read, so that all have the same types; postgres.js takes them as they are.
  const connect = (onclose: () => void): Sql => postgres({ ...sql.options, max: 1, onclose } as never) as Sql;
  const transactions = createTransactions(connect, connections);
  const end = sql.end.bind(sql);
  return Object.assign(sql, {
    begin: transactions.begin,
    end: async (options?: { timeout?: number }) => void (await Promise.all([end(options), transactions.end(options)])),
  });
}

function connectLazily(target: DatabaseTarget, settings: object): Sql {
  if ("url" in target) return postgres(target.url, settings as never);
  const at = { path: socketPath(target.socketFolder), user: databaseName, database: target.database, port: socketPort };
  return postgres({ ...settings, ...at } as never);
}

/**
 * Makes the sockets ourselves, since without noDelay each COPY waits 40 to 90 ms for a delayed acknowledgement.
 * It must not reject or wait: postgres.js would keep that connection as "connecting" for ever. What is written before
 * the socket is connected is buffered, and errors arrive by its events.
 */
function socketFactory(target: DatabaseTarget, connections: Connections): (options: { host: string[]; port: number[] }) => Socket {
  if (!("url" in target)) return () => connections.connect({ path: socketPath(target.socketFolder) });
  let attempt = 0;
  return ({ host, port }) => {
    const at = attempt++ % host.length;
    const name = host[at] as string;
    if (name.startsWith("/")) return connections.connect({ path: `${name}/.s.PGSQL.${port[at]}` });
    const socket = connections.connect({ host: name, port: port[at] as number });
    // postgres.js reads the name for TLS from here.
    return Object.assign(socket, { host: name });
  };
}

/** drizzle over a client, without the changes that it makes to the client's own handling of dates and JSON. */
export function createDrizzle(sql: Sql): Database {
  const { parsers, serializers } = sql.options as unknown as { parsers: Record<number, unknown>; serializers: Record<number, unknown> };
  const before = { parsers: { ...parsers }, serializers: { ...serializers } };
  const db = beforeCommits(drizzle(preparing(sql), { casing: "snake_case" }));
  Object.assign(parsers, before.parsers);
  Object.assign(serializers, before.serializers);
  // drizzle hands over JSON as text already, sql.json() as a value.
  for (const type of [114, 3802]) serializers[type] = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));
  return db;
}
