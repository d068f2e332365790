import { AppError } from "@devflow/errors";

export interface Page<T> {
  items: T[];
  nextCursor: string | null;
}

/** A place in a sorted list, as text that callers give back unread. */
export const writeCursor = (values: readonly (string | number)[]): string => Buffer.from(JSON.stringify(values)).toString("base64url");

/** The values of a cursor; null without one. Throws AppError invalid for anything that writeCursor did not make. */
export function readCursor<const K extends readonly ("string" | "number")[]>(
  cursor: string | undefined,
  kinds: K,
): { [I in keyof K]: K[I] extends "string" ? string : number } | null {
  if (cursor === undefined) return null;
  try {
    const values: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString());
    if (
      Array.isArray(values) &&
      values.length === kinds.length &&
      kinds.every((kind, i) => typeof values[i] === kind && !String(values[i]).includes("\0"))
    )
      return values as never;
  } catch {
    // Not JSON: refused below like any other foreign cursor.
  }
  throw new AppError("invalid", "cursor: expected the nextCursor of an earlier answer to the same list");
}
