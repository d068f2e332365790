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

/** What a value is called by who set it. */
export type RetentionNames = Readonly<Record<keyof Retention, string>>;

/** As the controller is started with them. */
export const environmentNames: RetentionNames = {
  tenSecondDays: "DEVFLOW_RETENTION_10S_DAYS",
  minuteDays: "DEVFLOW_RETENTION_1M_DAYS",
  hourDays: "DEVFLOW_RETENTION_1H_DAYS",
};

/**
 * What is wrong with these settings, in words; empty when nothing is. A row may come 72 h late and changes its minute
 * and its hour then, which are made again from the tier below: had that been dropped, they would be overwritten with
 * less than they held.
 */
export function retentionProblems(retention: Retention, names: RetentionNames): { field: keyof Retention; message: string }[] {
  const problems: { field: keyof Retention; message: string }[] = [];
  // One day more, since whole days are dropped, and one since the current day counts.
  const least = Math.ceil(lateHours / 24) + 2;
  if (retention.tenSecondDays < least) {
    problems.push({
      field: "tenSecondDays",
      message: `${names.tenSecondDays} is ${retention.tenSecondDays}; it must be ${least} or more, since rows may come ${lateHours} h late and their minutes and hours are made again from it`,
    });
  }
  for (const [field, finer] of [
    ["minuteDays", "tenSecondDays"],
    ["hourDays", "minuteDays"],
  ] as const) {
    if (retention[field] < retention[finer])
      problems.push({
        field,
        message: `${names[field]} is ${retention[field]}; it must not be below ${names[finer]} (${retention[finer]})`,
      });
  }
  return problems;
}
