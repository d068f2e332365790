import { DrizzleQueryError } from "drizzle-orm";
import { pino, stdSerializers, type Logger } from "pino";

/** Names whose values never reach a log line, at any of the depths we log. */
const secretNames = ["password", "secret", "token", "authorization", "cookie", "privateKey", "key"];

/** JSON lines on stdout. */
export function createLog(level: string, destination?: { write(line: string): void }): Logger {
  const options = {
    level,
    base: null,
    redact: { paths: secretNames.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: "[redacted]" },
    serializers: { err: (error: unknown) => stdSerializers.err(withoutValues(error) as Error) },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

/**
 * An error without the values of the query that failed: drizzle writes them into its message, and they are session
 * tokens, hashes of passwords and wrapped keys. The statement and PostgreSQL's own words stay.
 */
export function withoutValues(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const cause = withoutValues(error.cause);
  const isQuery = error instanceof DrizzleQueryError;
  if (!isQuery && cause === error.cause) return error;
  const message = isQuery ? `Failed query: ${error.query}` : error.message;
  const stack = (error.stack ?? "").replace(error.message, () => message);
  const { query: _query, params: _params, ...own } = error as Error & { query?: unknown; params?: unknown };
  return Object.assign(Object.create(Object.getPrototypeOf(error) as object) as Error, { ...own, message, stack, cause });
}
