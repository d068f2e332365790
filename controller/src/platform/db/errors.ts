import { AppError } from "@devflow/errors";

/** Codes of postgres.js and Node for a connection that could not be made or went away. */
const connectionCodes = new Set([
  "CONNECTION_CLOSED",
  "CONNECTION_ENDED",
  "CONNECTION_DESTROYED",
  "CONNECT_TIMEOUT",
  "ECONNREFUSED",
  "ECONNRESET",
  "ENOENT",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
]);

/**
 * SQLSTATEs after which the same statement may succeed later: 08 connection, 53 out of room, memory or connections,
 * 57P server shutting down or starting, 58 system error, 25006 read-only (a standby after a switch-over).
 */
const passing = /^(08...|53...|57P0[0-5]|58...|25006)$/;

/** Whether an error says that the connection it came over is no more. */
export function isConnectionLost(error: unknown): boolean {
  const { code, severity } = error as { code?: unknown; severity?: unknown };
  return severity === "FATAL" || (typeof code === "string" && connectionCodes.has(code));
}

/**
 * AppError unavailable when `error` says that the database cannot be used at the moment, otherwise undefined.
 * Errors that drizzle wraps are looked through.
 */
export function databaseUnavailable(error: unknown): AppError | undefined {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    const { code, message } = at as Error & { code?: unknown };
    if (typeof code !== "string" || at instanceof AppError) continue;
    const isConnection = connectionCodes.has(code);
    if (!isConnection && !passing.test(code)) continue;
    const why = isConnection ? "it cannot be reached" : code === "53100" ? "its disk is full" : message;
    return new AppError(
      "unavailable",
      `The database cannot be used at the moment: ${why}. It is tried again; nothing has to be done unless this lasts.`,
      { cause: error },
    );
  }
  return undefined;
}

/** SQLSTATE of a PostgreSQL error, looked for through wrappers too; undefined for anything else. "23505" is a duplicate key. */
export function sqlState(error: unknown): string | undefined {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    const { code, severity } = at as Error & { code?: unknown; severity?: unknown };
    if (typeof code === "string" && severity !== undefined) return code;
  }
  return undefined;
}
