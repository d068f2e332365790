import { id, metricRetention, metricsQuery, metricsResult, serverSparklines, sparklinesQuery } from "@devflow/api";
import { AppError } from "@devflow/errors";
import { z } from "zod";
import type { Context } from "../../platform/context.ts";
import { type Api, defineRoute, Reply } from "../../platform/http/index.ts";
import { toCsv } from "./csv.ts";
import { putMetricRetention, readMetricRetention } from "./metric-retention.ts";
import { queryMetrics } from "./query-metrics.ts";
import { serverNumbers } from "./server-numbers.ts";
import { sparklines } from "./sparklines.ts";

const tag = "metrics";
const blank = Array.from({ length: 30 }, () => null);

/** Routes of charts and sparklines. */
export function metricRoutes(api: Api, ctx: Context): void {
  const lines = defineRoute({
    method: "get",
    path: "/api/v1/servers/sparklines",
    permission: "servers.read",
    scope: "somewhere",
    tag,
    summary: "CPU and memory of the last 30 minutes for up to 100 servers; unknown ones are left out",
    query: sparklinesQuery,
    response: serverSparklines,
  });
  const chart = defineRoute({
    method: "get",
    path: "/api/v1/servers/{id}/metrics",
    permission: "servers.read",
    tag,
    summary: "Series of one server; with Accept: text/csv as a table",
    params: z.object({ id }),
    scope: "server",
    query: metricsQuery,
    response: metricsResult,
  });

  const retention = { path: "/api/v1/settings/metric-retention", permission: "installation.manage", tag: "settings" } as const;
  const readRetention = defineRoute({
    ...retention,
    method: "get",
    summary: "For how long measured values are kept, by resolution",
    response: metricRetention,
  });
  const changeRetention = defineRoute({
    ...retention,
    method: "put",
    summary: "Settle for how long measured values are kept; older ones leave within the hour",
    stepUp: true,
    body: metricRetention,
    response: metricRetention,
  });

  api.route(readRetention, () => readMetricRetention({ ctx }));
  api.route(changeRetention, ({ principal, body }) => putMetricRetention({ ctx, principal, input: body }));
  api.route(lines, async ({ principal, query }) => {
    const numbers = await serverNumbers(ctx, principal, query.ids);
    const found = await sparklines({ ctx, input: { serverNos: [...numbers.values()] } });
    const items = [...numbers].map(([serverId, no]) => ({
      serverId,
      cpu: found.get(no)?.cpu ?? blank,
      memory: found.get(no)?.memory ?? blank,
    }));
    return { items };
  });
  api.route(chart, async ({ principal, params, query, headers }) => {
    const serverNo = (await serverNumbers(ctx, principal, [params.id])).get(params.id);
    if (serverNo === undefined) throw new AppError("not_found", "There is no such server");
    const result = await queryMetrics({ ctx, input: { ...query, serverId: params.id, serverNo } });
    if (!/\btext\/csv\b/.test(headers.get("accept") ?? "")) return result;
    return new Reply(toCsv(result), [
      ["content-type", "text/csv; charset=utf-8"],
      ["content-disposition", `attachment; filename="metrics-${params.id}.csv"`],
    ]);
  });
}
