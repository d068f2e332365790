import { sqlState } from "../../platform/db/index.ts";

/**
 * Whether an error is about the rows themselves (data exceptions and broken constraints, SQLSTATE 22 and 23), so that
 * trying again is useless. All else (no connection, no space, restarting, missing tables, and 23514: no partition for
 * the time) is the database's and passes.
 */
export const isAboutRows = (error: unknown): boolean => {
  const state = sqlState(error) ?? "";
  return /^2[23]...$/.test(state) && state !== "23514";
};
