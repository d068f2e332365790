/** Relative and exact times, in the reader's zone. */

const steps = [
  [60, "s"],
  [3600, "min"],
  [86_400, "h"],
  [Number.POSITIVE_INFINITY, "d"],
] as const;
const sizes = { s: 1, min: 60, h: 3600, d: 86_400 } as const;

/** 65,000 ms → "1 min"; under 2 s "now" is meant and "0 s" is given. */
export function formatAge(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const unit = steps.find(([limit]) => seconds < limit)?.[1] ?? "d";
  return `${Math.floor(seconds / sizes[unit])} ${unit}`;
}

/** "4 min ago", "just now", "in 3 h". */
export function formatRelative(timeMs: number, nowMs: number): string {
  const ms = nowMs - timeMs;
  if (Math.abs(ms) < 2500) return "just now";
  return ms > 0 ? `${formatAge(ms)} ago` : `in ${formatAge(-ms)}`;
}

/** The reader's zone at a time, as short as it is known: "GMT+1". */
export const zoneOf = (timeMs: number): string =>
  new Intl.DateTimeFormat("en", { timeZoneName: "short" }).formatToParts(timeMs).find((p) => p.type === "timeZoneName")?.value ?? "";

/** "2026-11-20 14:31:20 GMT+1". */
export function formatExact(timeMs: number): string {
  const d = new Date(timeMs);
  const two = (n: number) => String(n).padStart(2, "0");
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())} ${zoneOf(timeMs)}`;
}

const startOfDay = (ms: number) => new Date(ms).setHours(0, 0, 0, 0);

/** The day of a time in the reader's zone: "Today", "Yesterday", "Thursday, 19 November"; empty for null. */
export function dayOf(at: string | null, nowMs = Date.now()): string {
  if (at === null) return "";
  const ms = Date.parse(at);
  const days = Math.round((startOfDay(nowMs) - startOfDay(ms)) / 86_400_000);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  return new Date(ms).toLocaleDateString("en-GB", {
    weekday: "long",
    day: "numeric",
    month: "long",
    ...(days > 300 && { year: "numeric" }),
  });
}
