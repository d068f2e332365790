import { createHash } from "node:crypto";
import type { Sql } from "../db/index.ts";

/** Hash that stands before an organisation's first row. */
export const chainStart = "0".repeat(64);

/** A row as it is hashed: everything as text, so that it reads the same on every machine. */
export interface ChainRow {
  readonly sequence: number;
  readonly hash: string | null;
  /** The columns below in the order of the table, times in UTC to the microsecond, JSON as PostgreSQL writes jsonb. */
  readonly content: readonly (string | null)[];
}

/** SHA-256, hexadecimal, over the hash before, a line break, and the row's content as a JSON array. */
export const rowHash = (before: string, content: ChainRow["content"]): string =>
  createHash("sha256")
    .update(`${before}\n${JSON.stringify(content)}`)
    .digest("hex");

/** What of a row goes into its hash. */
export const contentSql = (sql: Sql) => sql`array[
  sequence::text, organization_id::text, to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), actor_kind, actor_id, actor_name,
  address, request_id, action, target_kind, target_id, outcome, before::text, after::text]`;
