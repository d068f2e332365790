/** Resolutions that are kept, finest first. */
export const tiers = ["10s", "1m", "1h"] as const;
export type Tier = (typeof tiers)[number];

export const tierSeconds: Readonly<Record<Tier, number>> = { "10s": 10, "1m": 60, "1h": 3600 };

/** Rows older than this are refused by ingest; until then they may still change every tier. */
export const lateHours = 72;

/** Days of each tier that are kept. */
export interface Retention {
  readonly tenSecondDays: number;
  readonly minuteDays: number;
  readonly hourDays: number;
}

export const retentionDays = (retention: Retention, tier: Tier): number =>
  ({ "10s": retention.tenSecondDays, "1m": retention.minuteDays, "1h": retention.hourDays })[tier];

/** Age at which TimescaleDB compresses a chunk: past the last late row, and a day more. */
export const compressAfterHours = lateHours + 24;

/**
 * What is wrong with these settings, in words; empty when nothing is. A row may come 72 h late and changes its minute
 * and its hour then, which are made again from the tier below: had that been dropped, they would be overwritten with
 * less than they held.
 */
export function retentionProblems(retention: Retention): string[] {
  const problems: string[] = [];
  // One day more, since whole days are dropped, and one since the current day counts.
  const least = Math.ceil(lateHours / 24) + 2;
  if (retention.tenSecondDays < least) {
    problems.push(
      `DEVFLOW_RETENTION_10S_DAYS is ${retention.tenSecondDays}; it must be ${least} or more, since rows may come ${lateHours} h late and their minutes and hours are made again from it`,
    );
  }
  if (retention.minuteDays < retention.tenSecondDays) {
    problems.push(
      `DEVFLOW_RETENTION_1M_DAYS is ${retention.minuteDays}; it must not be below DEVFLOW_RETENTION_10S_DAYS (${retention.tenSecondDays})`,
    );
  }
  if (retention.hourDays < retention.minuteDays) {
    problems.push(
      `DEVFLOW_RETENTION_1H_DAYS is ${retention.hourDays}; it must not be below DEVFLOW_RETENTION_1M_DAYS (${retention.minuteDays})`,
    );
  }
  return problems;
}
