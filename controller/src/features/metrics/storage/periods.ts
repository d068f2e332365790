import type { Tier } from "./tiers.ts";

/** A partition's span: [from, to), both at midnight UTC. */
export interface Period {
  /** End of the partition's name: "20261120", for months "202611". */
  readonly label: string;
  readonly from: Date;
  readonly to: Date;
}

/** The day, for the hour tier the month, that holds a moment. */
export function periodOf(tier: Tier, at: Date): Period {
  const [year, month, day] = [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()];
  const from = new Date(Date.UTC(year, month, tier === "1h" ? 1 : day));
  const to = new Date(tier === "1h" ? Date.UTC(year, month + 1, 1) : Date.UTC(year, month, day + 1));
  return {
    label: from
      .toISOString()
      .slice(0, tier === "1h" ? 7 : 10)
      .replaceAll("-", ""),
    from,
    to,
  };
}

/** All periods that touch [from, to]. */
export function periodsBetween(tier: Tier, from: Date, to: Date): Period[] {
  const periods: Period[] = [];
  for (let at = from; at <= to;) {
    const period = periodOf(tier, at);
    periods.push(period);
    at = period.to;
  }
  return periods;
}

/** The period that a partition's name ends with, or null. */
export function periodOfLabel(tier: Tier, label: string): Period | null {
  const parts = (tier === "1h" ? /^(\d{4})(\d\d)$/ : /^(\d{4})(\d\d)(\d\d)$/).exec(label);
  if (parts === null) return null;
  const period = periodOf(tier, new Date(Date.UTC(Number(parts[1]), Number(parts[2]) - 1, Number(parts[3] ?? 1))));
  return period.label === label ? period : null;
}
