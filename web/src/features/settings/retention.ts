import type { MetricRetention } from "@devflow/api";

/** Days that things are kept. */
export interface Retention extends MetricRetention {
  readonly events: number;
  readonly audit: number;
}

/** A line of the form: what is kept, and between how many days it may be. */
export const retentionFields: readonly {
  readonly key: keyof Retention;
  readonly label: string;
  readonly hint: string;
  readonly least: number;
  readonly most: number;
}[] = [
  { key: "tenSecondDays", label: "Values of 10 seconds", hint: "5 or more: agents may be 72 hours late.", least: 5, most: 36_500 },
  { key: "minuteDays", label: "Values of a minute", hint: "No fewer than those of 10 seconds.", least: 5, most: 36_500 },
  { key: "hourDays", label: "Values of an hour", hint: "No fewer than those of a minute.", least: 5, most: 36_500 },
  { key: "events", label: "Events", hint: "1 to 3,650.", least: 1, most: 3_650 },
  { key: "audit", label: "Audit log", hint: "30 or more.", least: 30, most: 36_500 },
];

/** What `after` keeps for a shorter time than `before`. */
export const shortened = (before: Retention, after: Retention) =>
  retentionFields.flatMap(({ key, label }) => (after[key] < before[key] ? [{ label, before: before[key], after: after[key] }] : []));
