import { pino, type Logger } from "pino";

/** Names whose values never reach a log line, at any of the depths we log. */
const secretNames = ["password", "secret", "token", "authorization", "cookie", "privateKey", "key"];

/** JSON lines on stdout. */
export function createLog(level: string): Logger {
  return pino({
    level,
    base: null,
    redact: { paths: secretNames.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: "[redacted]" },
  });
}
