import { observeProcess, registry } from "../observability/index.ts";
import { type Api, defineRoute, Reply } from "./index.ts";

/** /metrics: this process's own health, in Prometheus' text format. With a token, since figures tell about a company. */
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
