import { observeProcess, registry } from "../observability/index.ts";
import { type Api, defineRoute, Reply } from "./index.ts";

/**
 * /metrics: this process's own health, in Prometheus' text format, of all organisations together: for administrators
 * of the installation, and for tokens of theirs that need to be able to do nothing else.
 */
export function metricsRoute(api: Api): void {
  observeProcess();
  const metrics = defineRoute({
    method: "get",
    path: "/metrics",
    permission: "metrics.scrape",
    tag: "operation",
    summary: "The controller's own figures for Prometheus",
    response: null,
  });
  api.route(metrics, async () => new Reply(await registry.metrics(), [["content-type", registry.contentType]]));
}
