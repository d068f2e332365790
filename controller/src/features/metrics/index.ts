import type { Feature } from "../../platform/feature.ts";
import { telemetryService } from "./agent.ts";
import { metricJobs } from "./jobs.ts";
import { metricRoutes } from "./routes.ts";
import { prepareStorage } from "./storage/index.ts";

export { onRejectedBatch } from "./agent.ts";
export { MAX_BATCHES_IN_FLIGHT } from "./push-stream.ts";
export { queryMetrics, type QueryMetrics } from "./query-metrics.ts";
export { type Sparkline, sparklines } from "./sparklines.ts";
export { deleteMetricsOf } from "./storage/delete-servers.ts";
export { type MetricTable, metricTables } from "./storage/tables.ts";

export const metrics: Feature = {
  name: "metrics",
  routes: metricRoutes,
  gateway: (gateway, ctx) => void telemetryService(gateway, ctx),
  jobs: metricJobs,
  async start({ sql, installation, config, clock }) {
    await prepareStorage({ sql, storageEngine: installation.storageEngine, retention: config.retention, nowMs: clock.now() });
    return undefined;
  },
};
