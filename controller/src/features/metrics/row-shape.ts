import { columnsOf, families, type Family } from "@devflow/catalogue";

/** What the encoder needs to know of a family, worked out once. */
export interface RowShape {
  readonly family: Family;
  /** Place among all shapes. */
  readonly index: number;
  readonly isHost: boolean;
  readonly table: string;
  readonly columns: readonly string[];
  /** 1 where the column is a bigint. */
  readonly wide: Uint8Array;
  /** Largest stored value that can be true. */
  readonly limit: Float64Array;
  /** Bytes of a row at most. */
  readonly maxRowBytes: number;
  /** Reads the rows of a COPY in binary format. */
  readonly copySql: (table: string) => string;
}

/** Rounding and timer jitter may lift a share of time a little over 100 %; more than this is nonsense. */
const MAX_PERCENT = 120;
/** ints of PostgreSQL; wide values are bounded by the wire (2^51). */
const MAX_INT = 2 ** 31 - 1;
const MAX_BIGINT = 2 ** 51;

const shapeOf = (family: Family, index: number): RowShape => {
  const columns = columnsOf(family);
  const names = ["server_no", "instance_no", "time", "samples", ...columns.map((c) => c.name)];
  return {
    family,
    index,
    isHost: family.instance === "host",
    table: `metric_${family.name}_10s`,
    columns: columns.map((c) => c.name),
    wide: Uint8Array.from(columns, (c) => (c.measure.type === "bigint" ? 1 : 0)),
    limit: Float64Array.from(columns, ({ measure }) =>
      measure.type === "bigint" ? MAX_BIGINT : measure.unit === "percent" ? MAX_PERCENT / measure.step : MAX_INT,
    ),
    maxRowBytes: 2 + 8 + 8 + 12 + 6 + columns.length * 12,
    copySql: (table) => `copy ${table} (${names.map((name) => `"${name}"`).join(", ")}) from stdin (format binary)`,
  };
};

/** All families in catalogue order. */
export const rowShapes: readonly RowShape[] = families.map(shapeOf);

const byId: readonly (RowShape | undefined)[] = Array.from({ length: 1 + Math.max(...families.map((f) => f.id)) }, (_, id) =>
  rowShapes.find((s) => s.family.id === id),
);

/** The shape of the family with that wire id, or undefined. */
export const rowShapeById = (id: number): RowShape | undefined => byId[id];

/** Place of a column in a shape's rows. Throws when the catalogue has no such column. */
export function columnIndex(shape: RowShape, name: string): number {
  const index = shape.columns.indexOf(name);
  if (index < 0) throw new Error(`family ${shape.family.name} has no column ${name}`);
  return index;
}
