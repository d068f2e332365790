import type { Sql } from "postgres";

/** Looks into answers and log lines for secrets: those that the database holds, and those that requests sent. */
export interface Secrets {
  /** Reads again what the database holds. */
  refresh(): Promise<void>;
  /** The name of the place whose secret stands in the text; null: none does. */
  in(text: string): string | null;
}

const secretColumn = /(^|_)(sha256|token|password|secret|sealed|wrapped_key|private_key|recovery_codes?|codes)$/;

/** @param mark text that requests send where a secret belongs */
export async function createSecrets(sql: Sql, mark: string): Promise<Secrets> {
  const columns = await sql<{ place: string; column: string; type: string }[]>`
    select table_name as place, column_name as column, data_type as type from information_schema.columns
    where table_schema = 'public' and data_type in ('text', 'bytea')`;
  const places = columns.filter(({ column }) => secretColumn.test(column));
  if (places.length < 4)
    throw new Error(`Expected columns with secrets, found ${places.map(({ place, column }) => `${place}.${column}`).join()}`);
  const known = new Map<string, string>();
  return {
    async refresh() {
      for (const { place, column, type } of places) {
        const value = type === "bytea" ? `encode("${column}", 'base64')` : `"${column}"`;
        const rows = await sql.unsafe<{ value: string | null }[]>(
          `select ${value} as value from "${place}" where length("${column}") >= 16`,
        );
        for (const row of rows) if (row.value !== null) known.set(row.value, `${place}.${column}`);
      }
    },
    in(text) {
      if (text.includes(mark)) return "what the request sent as a secret";
      if (/-----BEGIN [A-Z ]*PRIVATE KEY/.test(text)) return "a private key";
      // Secrets are words: looked up, instead of looking for each.
      for (const [word] of text.matchAll(/[\w+/=$,.-]{16,}/g)) {
        const place = known.get(word) ?? known.get(word.replace(/^[.,=]+|[.,]+$/g, ""));
        if (place !== undefined) return place;
      }
      return null;
    },
  };
}
