import { Failure } from "./failure.ts";
import { readTime } from "./output/time.ts";

/** A reader of a whole number within bounds, for commander. */
export const wholeNumber =
  (option: string, least: number, most: number) =>
  (text: string): number => {
    const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (!(number >= least && number <= most))
      throw new Failure("usage", `${option}: expected a whole number from ${least} to ${most}, got ${text}`);
    return number;
  };

/** A moment as people write it. Throws Failure. */
export function readMoment(option: string, text: string, nowMs: number): Date {
  const read = readTime(text, nowMs);
  if (read === null)
    throw new Failure("usage", `${option}: expected a time such as -2h, now, 2026-11-20 or 2026-11-20T10:00Z, got ${text}`);
  return read;
}

/** Days, or null for "never". Throws Failure. */
export function readDays(text: string): number | null {
  if (text === "never") return null;
  const found = /^([1-9]\d{0,3})d?$/.exec(text);
  if (found === null) throw new Failure("usage", `--expires: expected days such as 90, or never, got ${text}`);
  return Number(found[1]);
}

/** Only what was given, so that nothing else is changed. Throws Failure when that is nothing. */
export function changes<T extends object>(given: T, options: string): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const found = Object.entries(given).filter(([, value]) => value !== undefined);
  if (found.length === 0) throw new Failure("usage", `Say what to change: ${options}`);
  return Object.fromEntries(found) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
