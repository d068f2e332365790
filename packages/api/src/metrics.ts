import { z } from "zod";
import { askedTime, id, time } from "./platform.ts";

/** "family.measure" names of packages/catalogue, comma separated; "family.*" for all of one. */
export const metricsQuery = z.object({
  from: askedTime,
  to: askedTime,
  metrics: z.string().min(1).max(2000),
  /** Default 300. */
  maxPoints: z
    .string()
    .regex(/^\d{1,5}$/, "expected a whole number from 1 to 2000")
    .transform(Number)
    .pipe(z.int().min(1).max(2000))
    .optional(),
});

/** Series in natural units; arrays run along `times`; null is a gap. */
export const metricsResult = z
  .object({
    serverId: id,
    from: time,
    to: time,
    /** Seconds between points. */
    stepSeconds: z.int(),
    /** Where the points come from. */
    tier: z.enum(["10s", "1m", "1h"]),
    /** Start of each step, seconds since 1970-01-01 UTC. */
    times: z.array(z.int()),
    series: z.array(
      z.object({
        metric: z.string(),
        instance: z.string(),
        unit: z.string(),
        mean: z.array(z.number().nullable()),
        /** Null where no maximum is kept. */
        max: z.array(z.number().nullable()).nullable(),
      }),
    ),
  })
  .meta({ id: "MetricsResult" });
export type MetricsResult = z.infer<typeof metricsResult>;

/** Days that measured values are kept, by resolution: 10 s, 1 min, 1 h. Coarser ones no shorter than finer ones. */
export const metricRetention = z
  .object({
    tenSecondDays: z.int().min(1).max(36_500),
    minuteDays: z.int().min(1).max(36_500),
    hourDays: z.int().min(1).max(36_500),
  })
  .meta({ id: "MetricRetention" });
export type MetricRetention = z.infer<typeof metricRetention>;
