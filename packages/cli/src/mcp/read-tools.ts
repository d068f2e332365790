import type { Client } from "@devflow/client";
import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { z } from "zod";
import { Failure } from "../failure.ts";
import { findServer, type Server } from "../find-server.ts";
import { readMetrics } from "../metric-names.ts";
import { resample } from "../output/chart.ts";
import { readTime } from "../output/time.ts";
import { summarise } from "../summary.ts";
import { reads } from "./annotations.ts";
import { answer } from "./answer.ts";

const maxSeries = 20;

/** What a list says of a server. */
export const brief = ({ id, name, hostname, state, lastSeenAt, osName, latest, warnings }: Server) => ({
  id,
  name,
  hostname,
  state,
  lastSeenAt,
  osName,
  cpuPercent: latest?.cpuPercent ?? null,
  memoryPercent:
    latest?.memoryUsedBytes == null || !latest.memoryTotalBytes ? null : round((latest.memoryUsedBytes / latest.memoryTotalBytes) * 100),
  diskUsedPercent: latest?.diskUsedPercent ?? null,
  warnings: warnings.slice(0, 5).map(({ message }) => message.slice(0, 200)),
});

const round = (value: number | null) => (value === null ? null : Number(value.toPrecision(4)));

/** Tools that change nothing. */
export function readTools(server: McpServer, client: Client): void {
  server.registerTool(
    "fleet_summary",
    {
      title: "Fleet summary",
      description: "How many servers there are and are online, median and 95th percentile of CPU and memory, the fullest disk.",
      inputSchema: {},
      annotations: reads,
    },
    (_input, { signal }) => answer(async () => ({ ...(await client.get("/api/v1/servers/summary", { signal })) })),
  );
  server.registerTool(
    "list_servers",
    {
      title: "List servers",
      description: "Servers with state and newest values. At most 50 at a time; nextCursor gives the next ones.",
      inputSchema: {
        search: z.string().max(100).optional().describe("part of the name, host name, operating system or address"),
        state: z.enum(["online", "offline", "pending", "revoked", "quarantined"]).optional(),
        sort: z
          .enum(["name", "-name", "cpu", "-cpu", "memory", "-memory", "disk", "-disk", "state"])
          .optional()
          .describe("- for largest first"),
        limit: z.number().int().min(1).max(50).optional().describe("default 20"),
        cursor: z.string().max(200).optional(),
      },
      annotations: reads,
    },
    ({ limit = 20, ...query }, { signal }) =>
      answer(async () => {
        const page = await client.get("/api/v1/servers", { query: { ...query, limit }, signal });
        return { servers: page.items.map(brief), nextCursor: page.nextCursor };
      }),
  );
  server.registerTool(
    "get_server",
    {
      title: "One server",
      description: "A server's state, newest values and warnings, and what machine it is: system, processor, memory, file systems.",
      inputSchema: { server: z.string().min(1).max(100).describe("name, host name or id") },
      annotations: reads,
    },
    ({ server: name }, { signal }) =>
      answer(async () => {
        const found = await findServer(client, name);
        // A server that never connected has none.
        const machine = await client.get("/api/v1/servers/{id}/inventory", { path: { id: found.id }, signal }).catch((error: unknown) => {
          if ((error as { code?: string }).code === "not_found") return null;
          throw error;
        });
        const { id: _id, name: _name, hostname: _hostname, ...rest } = found;
        return {
          ...brief(found),
          ...rest,
          warnings: found.warnings.slice(0, 20),
          machine:
            machine === null
              ? null
              : {
                  kernel: machine.kernel,
                  architecture: machine.architecture,
                  virtualization: machine.virtualization,
                  cpuModel: machine.cpuModel,
                  cpuThreads: machine.cpuThreads,
                  memoryBytes: machine.memoryBytes,
                  bootTime: machine.bootTime,
                  timeZone: machine.timeZone,
                  rebootRequired: machine.rebootRequired,
                  updatesPending: machine.updatesPending,
                  securityUpdatesPending: machine.securityUpdatesPending,
                  filesystems: machine.filesystems.slice(0, 20),
                  listeningPorts: machine.listeningPorts
                    .slice(0, 50)
                    .map(({ protocol, address, port, process }) => `${protocol} ${address}:${port} ${process}`),
                },
        };
      }),
  );
  server.registerTool(
    "query_metrics",
    {
      title: "Metrics of a server",
      description: `Values over time, each series with minimum, mean, maximum and last value and up to "points" values. At most ${maxSeries} series. Null is a gap in which nothing was measured.`,
      inputSchema: {
        server: z.string().min(1).max(100).describe("name, host name or id"),
        metrics: z
          .string()
          .min(1)
          .max(500)
          .optional()
          .describe(
            "comma separated: cpu, memory, load, swap, disk, io, network, processes, or family.measure such as host.cpu_iowait; default cpu,memory,load",
          ),
        from: z.string().max(40).optional().describe("RFC 3339 time, or how long ago: 30m, 6h, 7d; default 1h"),
        to: z.string().max(40).optional().describe("RFC 3339 time or how long ago; default now"),
        points: z.number().int().min(0).max(60).optional().describe("values a series; 0 for the summary alone; default 20"),
      },
      annotations: reads,
    },
    ({ server: name, metrics = "cpu,memory,load", from = "1h", to = "now", points = 20 }, { signal }) =>
      answer(async () => {
        const nowMs = Date.now();
        const [since, until] = [readTime(from, nowMs), readTime(to, nowMs)];
        if (since === null || until === null)
          throw new Failure("usage", `${since === null ? "from" : "to"}: expected an RFC 3339 time, or how long ago such as 6h`);
        const found = await findServer(client, name);
        const result = await client.get("/api/v1/servers/{id}/metrics", {
          path: { id: found.id },
          query: { metrics: readMetrics(metrics).join(","), from: since.toISOString(), to: until.toISOString(), maxPoints: 300 },
          signal,
        });
        return {
          server: found.name,
          from: result.from,
          to: result.to,
          series: result.series.slice(0, maxSeries).map((series) => {
            const { min, mean, max, last, points: measured } = summarise(series.mean, series.max);
            return {
              metric: series.metric,
              instance: series.instance,
              unit: series.unit,
              measured,
              min: round(min),
              mean: round(mean),
              max: round(max),
              last: round(last),
              ...(points === 0 ? {} : { values: resample(series.mean, points).map(round) }),
            };
          }),
          seriesLeftOut: Math.max(0, result.series.length - maxSeries),
        };
      }),
  );
}
