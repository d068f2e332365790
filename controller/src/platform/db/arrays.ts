import { parse } from "postgres-array";

/** Types whose arrays are used: [element's OID, array's OID, how an element is read]. pg_type.dat names them. */
const elements: readonly (readonly [number, number, (text: string) => unknown])[] = [
  [16, 1000, (text) => text === "t"], // bool
  [20, 1016, Number], // int8
  [21, 1005, Number], // int2
  [23, 1007, Number], // int4
  [25, 1009, String], // text
  [19, 1003, String], // name
  [1043, 1015, String], // varchar
  [700, 1021, Number], // float4
  [701, 1022, Number], // float8
  [1184, 1185, (text) => new Date(text)], // timestamptz
  [2950, 2951, String], // uuid
];

/**
 * Array types for postgres.js, which otherwise asks the server for them on each new connection and, when that
 * connection breaks meanwhile, rejects a promise that nobody holds, which ends the process.
 */
export const arrayTypes = Object.fromEntries(
  elements.map(([, array, read]) => [
    `array${array}`,
    { to: array, from: [array], parse: (text: string) => parse(text, read), serialize: serializeArray },
  ]),
);

/** What sql.array() looks element types up in. */
export const arrayOidOf = Object.fromEntries(elements.map(([element, array]) => [element, array]));

type Item = string | number | bigint | boolean | Date | null | undefined | unknown[];

/** Text is taken as an array in PostgreSQL's own form already (drizzle writes that). */
export function serializeArray(value: unknown): string {
  if (!Array.isArray(value)) return String(value);
  const one = (item: Item): string => {
    if (item === null || item === undefined) return "null";
    if (Array.isArray(item)) return serializeArray(item);
    const text = item instanceof Date ? item.toISOString() : String(item);
    return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
  };
  return `{${(value as Item[]).map(one).join(",")}}`;
}
