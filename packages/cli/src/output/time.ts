const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "always", style: "narrow" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const units = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
] as const;

/** "5 min ago", "in 3 days". */
export function ago(time: string | null, nowMs: number): string {
  if (time === null) return "never";
  const seconds = Math.round((Date.parse(time) - nowMs) / 1000);
  const [unit, size] = units.find(([, s]) => Math.abs(seconds) >= s) ?? ["second", 1];
  return relative.format(Math.trunc(seconds / size), unit);
}

/** In the reader's zone and language. */
export const at = (time: string): string => exact.format(new Date(time));

const spans: Record<string, number> = { s: 1, m: 60, min: 60, h: 3_600, d: 86_400, w: 604_800 };

/**
 * A moment from what somebody typed: "now", "-2h", "30m" (both: that long ago), "2026-11-20", "2026-11-20T10:00" (local), "…Z".
 * Null when it is none.
 */
export function readTime(text: string, nowMs: number): Date | null {
  if (text === "now") return new Date(nowMs);
  const span = /^-?(\d{1,6})(s|m|min|h|d|w)$/.exec(text);
  if (span !== null) return new Date(nowMs - Number(span[1]) * (spans[span[2] as string] as number) * 1000);
  // A date alone is midnight here, not in Greenwich.
  const ms = Date.parse(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00` : text);
  return /^\d{4}-/.test(text) && !Number.isNaN(ms) ? new Date(ms) : null;
}
