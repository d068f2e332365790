import { formatValue } from "@devflow/units";
import { type AddCommand, clientFor, examples, show } from "../command.ts";
import { Failure } from "../failure.ts";
import { findServer } from "../find-server.ts";
import { readMetrics } from "../metric-names.ts";
import { chart, sparkline } from "../output/chart.ts";
import { clean } from "../output/style.ts";
import { table } from "../output/table.ts";
import { at } from "../output/time.ts";
import type { GlobalOptions } from "../session.ts";
import { readMoment } from "../read-option.ts";
import { summarise } from "../summary.ts";

interface Options extends GlobalOptions {
  readonly metrics: string;
  readonly from: string;
  readonly to: string;
  readonly points: string;
  readonly chart?: boolean;
  readonly csv?: boolean;
}

export const metrics: AddCommand = (program, cli) => {
  const { terminal, signal } = cli;
  program
    .command("metrics")
    .argument("<server>", "name, host name or id")
    .description("values of a server over time")
    .option("-m, --metrics <names>", "cpu, memory, load, swap, disk, io, network, processes, or family.measure", "cpu,memory,load,network")
    .option("--from <time>", "since when: -2h, 2026-11-20, 2026-11-20T10:00Z", "-1h")
    .option("--to <time>", "until when", "now")
    .option("--points <n>", "values a series, at most", "300")
    .option("--chart", "a chart of each series")
    .option("--csv", "CSV")
    .addHelpText(
      "after",
      examples(
        "devflow metrics web-1",
        "devflow metrics web-1 -m cpu,host.cpu_iowait --from=-24h --chart",
        "devflow metrics web-1 -m 'filesystem.*' --from 2026-11-01 --csv > disks.csv",
      ),
    )
    .action(async (name: string, _, command: typeof program) => {
      const options = command.optsWithGlobals<Options>();
      if (!/^[1-9]\d{0,3}$/.test(options.points) || Number(options.points) > 2000)
        throw new Failure("usage", `--points: expected 1 to 2000, got ${options.points}`);
      const nowMs = cli.now();
      const query = {
        metrics: readMetrics(options.metrics).join(","),
        from: readMoment("--from", options.from, nowMs).toISOString(),
        to: readMoment("--to", options.to, nowMs).toISOString(),
        maxPoints: options.points,
      };
      const client = await clientFor(cli, options);
      const server = await findServer(client, name);
      const input = { path: { id: server.id }, query, signal };
      if (options.csv === true) {
        terminal.out(await client.text("/api/v1/servers/{id}/metrics", { ...input, accept: "text/csv" }));
        return;
      }
      const result = await client.get("/api/v1/servers/{id}/metrics", input);
      show(cli, options, result, () => {
        const { style } = terminal;
        const width = Math.max(10, Math.min(60, terminal.columns - 70));
        const rows = result.series.map((series) => ({
          ...series,
          summary: summarise(series.mean, series.max),
          label: `${series.metric}${series.instance === "" ? "" : ` ${series.instance}`}`,
        }));
        const head = `${style.bold(clean(server.name))}  ${at(result.from)} – ${at(result.to)}, a value each ${result.stepSeconds} s\n`;
        if (rows.every(({ summary }) => summary.points === 0)) return `${head}Nothing was measured in that time.`;
        if (options.chart === true)
          return head + rows.map((row) => chartOf(row, { width: Math.min(120, terminal.columns), height: 8 })).join("\n");
        const cell = (pick: "min" | "mean" | "max" | "last") => (row: (typeof rows)[number]) => formatValue(row.summary[pick], row.unit);
        return (
          head +
          table(
            rows,
            [
              { title: "METRIC", value: ({ label }) => label, flexible: true },
              { title: "LAST", value: cell("last"), align: "right" },
              { title: "MEAN", value: cell("mean"), align: "right" },
              { title: "MIN", value: cell("min"), align: "right" },
              { title: "MAX", value: cell("max"), align: "right" },
              {
                title: "",
                value: (row) => sparkline(row.mean, width, row.unit === "percent" ? 100 : undefined),
                paint: (text) => style.blue(text),
              },
            ],
            style,
            terminal.isTty ? terminal.columns : Infinity,
          )
        );
      });
    });

  const chartOf = (
    row: { label: string; unit: string; mean: (number | null)[]; summary: ReturnType<typeof summarise> },
    size: { width: number; height: number },
  ) => {
    const top = row.unit === "percent" ? 100 : (row.summary.max ?? 1);
    const lines = chart(row.mean, size, top, (value) => formatValue(value, row.unit));
    return `${terminal.style.bold(clean(row.label))}  last ${formatValue(row.summary.last, row.unit)}, max ${formatValue(row.summary.max, row.unit)}\n${lines.join("\n")}\n`;
  };
};
