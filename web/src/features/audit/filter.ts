import type { AuditQuery } from "#api/audit.ts";

const hourMs = 3_600_000;
/** How far back the log is read, by the key in the page's address; "between" takes two times. */
export const ranges = [
  ["", "Any time", null],
  ["1h", "Last hour", hourMs],
  ["24h", "Last 24 hours", 24 * hourMs],
  ["7d", "Last 7 days", 7 * 24 * hourMs],
  ["30d", "Last 30 days", 30 * 24 * hourMs],
  ["between", "Between…", null],
] as const;

/** What the page is narrowed to, as its fields and its address hold it. */
export interface AuditFilter {
  readonly q: string;
  readonly outcome: "" | "done" | "refused";
  /** A key of `ranges`. */
  readonly range: string;
  /** Of "between": local times as a datetime-local field has them, "2026-11-20T14:30"; empty: open. */
  readonly from: string;
  readonly to: string;
}

/** "2026-11-20T14:30" in the reader's zone → RFC 3339 UTC; undefined for no time. */
export function utcOf(local: string): string | undefined {
  const ms = Date.parse(local);
  return local === "" || Number.isNaN(ms) ? undefined : new Date(ms).toISOString();
}

/** RFC 3339 UTC → what a datetime-local field shows in the reader's zone; empty for no time. */
export function localOf(utc: string | null): string {
  const ms = Date.parse(utc ?? "");
  if (Number.isNaN(ms)) return "";
  return new Date(ms - new Date(ms).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** What of the page's address makes a filter; what is not known there counts as not there. */
export function readFilter(search: Pick<URLSearchParams, "get">): AuditFilter {
  const [outcome, range] = [search.get("outcome"), search.get("range") ?? ""];
  return {
    q: (search.get("q") ?? "").slice(0, 200),
    outcome: outcome === "done" || outcome === "refused" ? outcome : "",
    range: ranges.some(([key]) => key === range) ? range : "",
    from: localOf(search.get("from")),
    to: localOf(search.get("to")),
  };
}

/** Address of the page with a filter. Times are in UTC there, so that a colleague elsewhere sees the same rows. */
export function filterAddress({ q, outcome, range, from, to }: AuditFilter): string {
  const pairs = { q: q.trim(), outcome, range, ...(range === "between" && { from: utcOf(from), to: utcOf(to) }) };
  const search = new URLSearchParams(Object.entries(pairs).filter((pair): pair is [string, string] => Boolean(pair[1])));
  return search.size === 0 ? "/settings/audit" : `/settings/audit?${search}`;
}

/** What the API is asked for a filter at a time. */
export function toQuery({ q, outcome, range, from, to }: AuditFilter, nowMs: number): AuditQuery {
  const spanMs = ranges.find(([key]) => key === range)?.[2] ?? null;
  return {
    q: q.trim() || undefined,
    outcome: outcome || undefined,
    from: spanMs !== null ? new Date(nowMs - spanMs).toISOString() : range === "between" ? utcOf(from) : undefined,
    to: range === "between" ? utcOf(to) : undefined,
  };
}
