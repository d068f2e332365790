import type { Context } from "../../platform/context.ts";
import type { Jobs } from "../../platform/jobs/index.ts";
import { readMetricRetention } from "./metric-retention.ts";
import { dropExpired } from "./storage/retention.ts";
import { makePartitionsAhead } from "./storage/index.ts";
import { rollUp } from "./storage/roll-up.ts";

/** Roll-ups every five minutes (charts show newer minutes all the same), partitions and retention by the hour. */
export function metricJobs(jobs: Jobs, ctx: Context): void {
  const { sql, clock, log, installation } = ctx;
  jobs.cron("metrics.roll-up", "*/5 * * * *", async () => {
    const { minuteUntil, lateHours } = await rollUp({ sql, nowMs: clock.now() });
    log.debug({ scope: "metrics.roll-up", minuteUntil, lateHours }, "metrics rolled up");
  });
  if (installation.storageEngine === "plain") {
    jobs.cron("metrics.partitions", "7 * * * *", () => makePartitionsAhead(sql, clock.now()));
  }
  jobs.cron("metrics.retention", "37 * * * *", async () => {
    // Read anew: what is dropped does not come back.
    const retention = await readMetricRetention({ ctx });
    const dropped = await dropExpired({ sql, storageEngine: installation.storageEngine, retention, nowMs: clock.now() });
    if (dropped.length > 0) log.info({ scope: "metrics.retention", dropped: dropped.length }, "metrics past their retention dropped");
  });
}
