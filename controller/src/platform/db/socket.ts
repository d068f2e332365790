import { connect, type NetConnectOpts, type Socket } from "node:net";

/** PostgreSQL's FATAL as an error that looks like a PostgresError to sqlState() and databaseUnavailable(). */
export interface FatalError extends Error {
  readonly code: string;
  readonly severity: string;
}

/**
 * Connects to a PostgreSQL for postgres.js, without Nagle's delay.
 *
 * Works around two faults of postgres.js 3.4.9 when a connection is lost (neither can be mended inside TLS):
 * - A query that is started between the socket's "error" and its "close" never settles. So the error is held back and
 *   both are told in one go, when the socket is closed.
 * - A FATAL message, after which the server hangs up, is kept and fails the first query after the next connect too.
 *   So it becomes the socket's error and never gets there.
 */
export function connectDatabase(options: NetConnectOpts): Socket {
  const socket = connect({ ...options, noDelay: true } as NetConnectOpts);
  const emit = socket.emit.bind(socket) as (name: string, ...args: unknown[]) => boolean;
  let held: Error | null = null;
  socket.emit = ((name: string, ...args: unknown[]): boolean => {
    if (name === "error") {
      held ??= args[0] as Error;
      return true;
    }
    if (name === "close" && held !== null) {
      emit("error", held);
      return emit("close", true);
    }
    if (name === "data" && held === null) {
      held = readFatal(args[0] as Buffer);
      if (held !== null) socket.destroy();
    }
    return name === "data" && held !== null ? true : emit(name, ...args);
  }) as Socket["emit"];
  return socket;
}

const fatalFields = "SFATAL\0VFATAL\0";

/**
 * The FATAL ErrorResponse that ends this piece of the stream, or null. Form: "E", length (4 bytes, itself included),
 * fields of one letter and a text ended by NUL, NUL. The server sends nothing after it, so it has to reach the end.
 */
export function readFatal(chunk: Buffer): FatalError | null {
  const fieldsAt = chunk.lastIndexOf(fatalFields, undefined, "latin1");
  const start = fieldsAt - 5;
  if (start < 0 || chunk[start] !== 0x45 || chunk.readUInt32BE(start + 1) !== chunk.length - start - 1) return null;
  const fields = new Map(
    chunk
      .toString("utf8", fieldsAt)
      .split("\0")
      .map((field) => [field[0], field.slice(1)]),
  );
  return Object.assign(new Error(fields.get("M") ?? "the database ended the connection"), {
    code: fields.get("C") ?? "08006",
    severity: "FATAL",
  });
}
