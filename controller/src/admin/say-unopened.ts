import type { Unopened } from "../platform/crypto/index.ts";

/** Names what could not be opened; returns the exit code: 1 when there is any. */
export function sayUnopened(unopened: readonly Unopened[], say: (line: string) => void): number {
  for (const { table, column, row } of unopened) say(`  ${table}.${column} of ${row} cannot be opened by any key; set that secret anew`);
  return unopened.length > 0 ? 1 : 0;
}
