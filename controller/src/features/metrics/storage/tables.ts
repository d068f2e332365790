import { columnsOf, type Family } from "@devflow/catalogue";
import { type Tier, tiers } from "./tiers.ts";

/** A column of a metric table. */
export interface MetricColumn {
  readonly name: string;
  readonly type: "smallint" | "integer" | "bigint";
}

/** Table of a family's rows at a resolution. */
export const tableOf = (family: Family, tier: Tier): string => `metric_${family.name}_${tier}`;

export const tablesOf = (family: Family): readonly { table: string; tier: Tier }[] =>
  tiers.map((tier) => ({ table: tableOf(family, tier), tier }));

/** Columns of every metric table; they are its key but for samples. */
export const keyColumns = [
  "server_no integer not null",
  "instance_no integer not null",
  "time timestamptz not null",
  "samples smallint not null",
] as const;

/**
 * Columns that hold values. 10s: mean and where kept maximum, as on the wire. Above: sum, count and minimum of the
 * 10-second means and maximum of the maxima, so that each tier can be made from the one below.
 */
export function valueColumns(family: Family, tier: Tier): readonly MetricColumn[] {
  if (tier === "10s") return columnsOf(family).map((c) => ({ name: c.name, type: c.measure.type === "int" ? "integer" : "bigint" }));
  return family.measures.flatMap((m): MetricColumn[] => {
    const type = m.type === "int" ? "integer" : "bigint";
    return [
      { name: `${m.name}_sum`, type: "bigint" },
      { name: `${m.name}_count`, type: "smallint" },
      { name: `${m.name}_min`, type },
      ...(m.max ? [{ name: `${m.name}_max`, type } as const] : []),
    ];
  });
}

/** create table (names in quotes: some measures are called like keywords of SQL), without what the engine adds. */
export const createTable = (family: Family, tier: Tier, suffix = ""): string =>
  `create table if not exists ${tableOf(family, tier)} (
  ${[...keyColumns, ...valueColumns(family, tier).map((c) => `"${c.name}" ${c.type}`), "primary key (server_no, instance_no, time)"].join(",\n  ")}
) ${suffix}`;

/** alter table for measures that were appended to the catalogue since the table was made; null when there are none. */
export function addMissingColumns(family: Family, tier: Tier, present: ReadonlySet<string>): string | null {
  const missing = valueColumns(family, tier).filter((c) => !present.has(c.name));
  return missing.length === 0
    ? null
    : `alter table ${tableOf(family, tier)} ${missing.map((c) => `add column if not exists "${c.name}" ${c.type}`).join(", ")}`;
}

/** One table of metric rows. */
export interface MetricTable {
  readonly family: string;
  readonly tier: Tier;
  readonly table: string;
}

/** All tables that hold metric rows. */
export const metricTables = (families: readonly Family[]): MetricTable[] =>
  families.flatMap((family) => tablesOf(family).map(({ table, tier }) => ({ family: family.name, tier, table })));
