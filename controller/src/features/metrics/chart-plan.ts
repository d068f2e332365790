import { type Retention, retentionDays, type Tier, tiers, tierSeconds } from "./storage/tiers.ts";

/** A chart takes the coarsest tier that still gives it this many points. */
const leastPoints = 120;

/** Where a chart's points come from and where they stand; times in seconds since 1970-01-01 UTC. */
export interface ChartPlan {
  readonly tier: Tier;
  readonly stepSeconds: number;
  /** Start of the first step, at or before the asked start. */
  readonly originS: number;
  readonly points: number;
}

/**
 * Chooses tier and step for [fromS, toS). Steps are whole multiples of the tier's; they stand on multiples of the step
 * itself, so that a chart that moves on does not change the points it has, except where maxPoints is 1.
 * A tier whose retention does not reach back to the start is left out while a coarser one does.
 */
export function planChart({
  fromS,
  toS,
  maxPoints,
  retention,
  nowS,
}: {
  fromS: number;
  toS: number;
  maxPoints: number;
  retention: Retention;
  nowS: number;
}): ChartPlan {
  const reaching = tiers.filter((tier) => tier === "1h" || fromS >= nowS - retentionDays(retention, tier) * 86_400);
  const tier = reaching.findLast((t) => (toS - fromS) / tierSeconds[t] >= leastPoints) ?? reaching[0] ?? "1h";
  const unit = tierSeconds[tier];
  // One step more than fits, since the first and the last may be cut.
  const stepSeconds = unit * Math.max(1, Math.ceil((toS - fromS) / unit / Math.max(1, maxPoints - 1)));
  const originS = maxPoints === 1 ? Math.floor(fromS / unit) * unit : Math.floor(fromS / stepSeconds) * stepSeconds;
  return maxPoints === 1
    ? { tier, stepSeconds: Math.max(unit, Math.ceil((toS - originS) / unit) * unit), originS, points: 1 }
    : { tier, stepSeconds, originS, points: Math.max(1, Math.ceil((toS - originS) / stepSeconds)) };
}
