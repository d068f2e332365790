/** What a server's charts show: a named range that moves with the time, or two fixed ends. */
export const rangeKeys = ["live", "5m", "1h", "6h", "24h", "7d", "30d"] as const;
export type RangeKey = (typeof rangeKeys)[number];

interface Named {
  readonly label: string;
  readonly seconds: number;
  /** How often new points are asked for, seconds. */
  readonly refreshSeconds: number;
}

export const ranges: Record<RangeKey, Named> = {
  live: { label: "Live", seconds: 120, refreshSeconds: 0 },
  "5m": { label: "5 m", seconds: 300, refreshSeconds: 10 },
  "1h": { label: "1 h", seconds: 3600, refreshSeconds: 10 },
  "6h": { label: "6 h", seconds: 21_600, refreshSeconds: 30 },
  "24h": { label: "24 h", seconds: 86_400, refreshSeconds: 60 },
  "7d": { label: "7 d", seconds: 604_800, refreshSeconds: 300 },
  "30d": { label: "30 d", seconds: 2_592_000, refreshSeconds: 600 },
};

export interface Range {
  readonly key: RangeKey;
  /** Both ends, milliseconds since 1970, while zoomed or custom; null while the range moves with the time. */
  readonly fixed: { readonly fromMs: number; readonly toMs: number } | null;
}

const DEFAULT: RangeKey = "live";
/** Shorter than this nothing is stored: 10-second rows. */
const MIN_SPAN_MS = 30_000;

/** Reads ?range=6h&from=…&to=… (RFC 3339); what is wrong is left out. */
export function readRange(query: { get(name: string): string | null }): Range {
  const asked = query.get("range") as RangeKey;
  const key = rangeKeys.includes(asked) ? asked : DEFAULT;
  const fromMs = Date.parse(query.get("from") ?? "");
  const toMs = Date.parse(query.get("to") ?? "");
  return { key, fixed: Number.isFinite(fromMs) && Number.isFinite(toMs) && fromMs < toMs ? { fromMs, toMs } : null };
}

/** Writes a range into a query; the default leaves no trace. */
export function writeRange(query: URLSearchParams, range: Range): void {
  if (range.key === DEFAULT) query.delete("range");
  else query.set("range", range.key);
  for (const [name, ms] of [
    ["from", range.fixed?.fromMs],
    ["to", range.fixed?.toMs],
  ] as const) {
    if (ms === undefined) query.delete(name);
    else query.set(name, new Date(ms).toISOString().replace(".000Z", "Z"));
  }
}

/** Ends of a selection, whole seconds, at least as long as three stored points. */
export function zoomed(key: RangeKey, fromMs: number, toMs: number): Range {
  const missing = Math.max(0, MIN_SPAN_MS - (toMs - fromMs));
  return { key, fixed: { fromMs: Math.floor((fromMs - missing / 2) / 1000) * 1000, toMs: Math.ceil((toMs + missing / 2) / 1000) * 1000 } };
}

/** Both ends at a moment. */
export const endsOf = (range: Range, nowMs: number): { fromMs: number; toMs: number } =>
  range.fixed ?? { fromMs: nowMs - ranges[range.key].seconds * 1000, toMs: nowMs };
