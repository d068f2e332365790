/**
 * A PostgreSQL array literal; write it as `${arrayLiteral(values)}::int[]`. The client knows no array types (it would
 * have to ask the server for them at each connection), so arrays travel as text.
 * Format: https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO
 */
export const arrayLiteral = (values: readonly (number | string | null)[]): string =>
  `{${values.map((value) => (value === null ? "NULL" : typeof value === "number" ? String(value) : `"${value.replace(/["\\]/g, "\\$&")}"`)).join(",")}}`;
