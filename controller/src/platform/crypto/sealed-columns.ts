/**
 * A column that holds secrets, sealed. Whoever adds one names it in its feature's `sealed`, so that rotations of keys
 * reach it; a test compares these lists with the database's columns.
 */
export interface SealedColumn {
  readonly table: string;
  readonly column: string;
  /** Columns that tell one row from the others; their values, as text, go to `purpose`. */
  readonly key: readonly string[];
  /** "organization": by sealForOrganization, the table has organization_id. "master": by the master key itself. */
  readonly by: "organization" | "master";
  /** Purpose, or the master key's name, under which a row's secret is sealed. */
  readonly purpose: (...key: string[]) => string;
  /** How the bytes are stored; default "bytea". "base64-json": base64 as a JSON string in a jsonb column. */
  readonly stored?: "bytea" | "base64-json";
}
