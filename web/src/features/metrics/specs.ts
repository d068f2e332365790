import type { Unit } from "@devflow/catalogue";
import { formatBytes, formatCount, formatPercent, formatValue } from "@devflow/units";
import { shareOf, sumOf, type Dataset, type Values } from "./dataset.ts";

export interface Line {
  readonly label: string;
  readonly mean: Values;
  readonly max: Values | null;
  /** The same as percent of what there is, where that says more. */
  readonly share?: Values;
}

/** One chart, as data: what it asks for and what it draws. */
export interface ChartSpec {
  readonly id: string;
  readonly title: string;
  readonly unit: Unit;
  /** "family.measure" names that it needs. */
  readonly metrics: readonly string[];
  lines(data: Dataset): Line[];
  /** Lines lie on top of each other. */
  readonly stacked?: boolean;
  /** The area under the lines is tinted. */
  readonly filled?: boolean;
  /** The axis counts in percent of its upper end; values keep their unit. */
  readonly axisInPercent?: boolean;
  /** Fixed upper end of the axis. */
  top?(data: Dataset): number | null;
  /** What stands at the right of the title, at a point. */
  headline(lines: readonly Line[], at: number, data: Dataset): string;
}

type Pick = readonly [measure: string, label: string];

const first = (data: Dataset, metric: string): Values => data.series.get(metric)?.[0]?.mean ?? [];

/** Lines of measures that the host has once. */
const host = (picks: readonly Pick[]) => ({
  metrics: picks.map(([m]) => `host.${m}`),
  lines: (data: Dataset) =>
    picks.flatMap(([m, label]): Line[] => {
      const s = data.series.get(`host.${m}`)?.[0];
      return s ? [{ label, mean: s.mean, max: s.max }] : [];
    }),
});

/** Lines of measures added up over all instances; one instance keeps its maximum. */
const total = (family: string, picks: readonly Pick[]) => ({
  metrics: picks.map(([m]) => `${family}.${m}`),
  lines: (data: Dataset) =>
    picks.flatMap(([m, label]): Line[] => {
      const list = data.series.get(`${family}.${m}`) ?? [];
      if (list.length === 1 && list[0]) return [{ label, mean: list[0].mean, max: list[0].max }];
      return list.length === 0 ? [] : [{ label, mean: sumOf(list, data.times.length), max: null }];
    }),
});

/** Lines of measures of one instance. */
const one = (family: string, instance: string, picks: readonly Pick[]) => ({
  metrics: picks.map(([m]) => `${family}.${m}`),
  lines: (data: Dataset) =>
    picks.flatMap(([m, label]): Line[] => {
      const s = data.series.get(`${family}.${m}`)?.find((x) => x.instance === instance);
      return s ? [{ label, mean: s.mean, max: s.max }] : [];
    }),
});

const values = (unit: Unit) => (lines: readonly Line[], at: number) =>
  lines
    .slice(0, 2)
    .map((l) => formatValue(l.mean[at], unit))
    .join(" / ");
const added = (unit: Unit) => (lines: readonly Line[], at: number) => {
  const known = lines.map((l) => l.mean[at]).filter((v) => v != null);
  return known.length === 0
    ? "–"
    : formatValue(
        known.reduce((a, b) => a + b, 0),
        unit,
      );
};
const hundred = () => 100;

const cpu: ChartSpec = {
  id: "cpu",
  title: "CPU",
  unit: "percent",
  stacked: true,
  top: hundred,
  ...host([
    ["cpu_user", "user"],
    ["cpu_system", "system"],
    ["cpu_iowait", "I/O wait"],
    ["cpu_irq", "interrupts"],
    ["cpu_steal", "steal"],
  ]),
  headline: (lines, at) => {
    const busy = lines
      .filter((l) => l.label !== "I/O wait")
      .map((l) => l.mean[at])
      .filter((v) => v != null);
    return busy.length === 0 ? "–" : formatPercent(busy.reduce((a, b) => a + b, 0));
  },
};
const memory: ChartSpec = {
  id: "memory",
  title: "Memory",
  unit: "bytes",
  filled: true,
  axisInPercent: true,
  metrics: ["host.memory_used", "host.memory_cached", "host.memory_total", "host.swap_used", "host.swap_total"],
  lines: (data) =>
    (
      [
        ["memory_used", "used", "memory_total"],
        ["memory_cached", "cache", "memory_total"],
        ["swap_used", "swap", "swap_total"],
      ] as const
    ).flatMap(([measure, label, whole]): Line[] => {
      const [series, all] = [data.series.get(`host.${measure}`)?.[0], first(data, `host.${whole}`)];
      // Without swap there is nothing to say of it.
      if (!series || (measure === "swap_used" && !all.some(Boolean))) return [];
      return [{ label, mean: series.mean, max: series.max, share: shareOf(series.mean, all) }];
    }),
  top: (data) => first(data, "host.memory_total").findLast((v) => v != null) ?? null,
  headline: (lines, at, data) => {
    const [used, all] = [lines[0]?.mean[at], first(data, "host.memory_total")[at]];
    if (used == null) return "–";
    if (!all) return formatBytes(used);
    const [part, whole] = [formatBytes(used), formatBytes(all)];
    const [number, unit] = part.split(" ");
    return `${unit !== undefined && whole.endsWith(` ${unit}`) ? number : part} of ${whole}, ${formatPercent(Math.round((used / all) * 100))}`;
  },
};
const load: ChartSpec = {
  id: "load",
  title: "Load",
  unit: "ratio",
  ...host([
    ["load_1", "1 min"],
    ["load_5", "5 min"],
    ["load_15", "15 min"],
  ]),
  headline: (lines, at) => formatValue(lines[0]?.mean[at], "ratio"),
};
const pressure: ChartSpec = {
  id: "pressure",
  title: "Pressure",
  unit: "percent",
  ...host([
    ["psi_cpu_some", "CPU"],
    ["psi_memory_some", "memory"],
    ["psi_io_some", "I/O"],
    ["psi_memory_full", "memory, all"],
    ["psi_io_full", "I/O, all"],
  ]),
  headline: (lines, at) => {
    const worst = lines.filter((l) => l.mean[at] != null).toSorted((a, b) => (b.mean[at] ?? 0) - (a.mean[at] ?? 0))[0];
    return worst ? `${worst.label} waits ${formatPercent(worst.mean[at] ?? 0)}` : "–";
  },
};
const diskIo: ChartSpec = {
  id: "disk-io",
  title: "Disk I/O",
  unit: "bytes_per_second",
  ...total("disk", [
    ["read", "read"],
    ["write", "write"],
  ]),
  headline: added("bytes_per_second"),
};
const network: ChartSpec = {
  id: "network",
  title: "Network",
  unit: "bytes_per_second",
  ...total("network", [
    ["receive", "in"],
    ["transmit", "out"],
  ]),
  headline: added("bytes_per_second"),
};
const filesystems: ChartSpec = {
  id: "filesystems",
  title: "File systems",
  unit: "percent",
  top: hundred,
  metrics: ["filesystem.used", "filesystem.available"],
  lines: (data) =>
    (data.series.get("filesystem.used") ?? []).map((used): Line => {
      const free = data.series.get("filesystem.available")?.find((x) => x.instance === used.instance);
      // As df says it: what is kept for root counts as neither.
      const all = free ? sumOf([used, free], data.times.length) : [];
      return { label: used.instance, mean: shareOf(used.mean, all), max: null };
    }),
  headline: (lines, at) => {
    const worst = lines.filter((l) => l.mean[at] != null).toSorted((a, b) => (b.mean[at] ?? 0) - (a.mean[at] ?? 0))[0];
    return worst ? `${worst.label} ${formatPercent(Math.round(worst.mean[at] ?? 0))}` : "–";
  },
};
const inodes: ChartSpec = {
  ...filesystems,
  id: "inodes",
  title: "Inodes",
  metrics: ["filesystem.inodes_used", "filesystem.inodes_total"],
  lines: (data) =>
    (data.series.get("filesystem.inodes_used") ?? [])
      .filter((s) => s.mean.some((v) => v !== null))
      .map((used): Line => {
        const all = data.series.get("filesystem.inodes_total")?.find((x) => x.instance === used.instance)?.mean ?? [];
        return { label: used.instance, mean: shareOf(used.mean, all), max: null };
      }),
};
const tcp: ChartSpec = {
  id: "tcp",
  title: "TCP connections",
  unit: "count",
  ...host([
    ["tcp_established", "established"],
    ["tcp_time_wait", "time wait"],
    ["tcp_close_wait", "close wait"],
    ["tcp_syn", "opening"],
  ]),
  headline: (lines, at) => `${formatValue(lines[0]?.mean[at], "count")} established`,
};
const retransmits: ChartSpec = {
  id: "retransmits",
  title: "TCP retransmits",
  unit: "per_second",
  ...host([["tcp_retransmits", "segments"]]),
  headline: values("per_second"),
};
const processes: ChartSpec = {
  id: "processes",
  title: "Processes",
  unit: "count",
  metrics: ["host.processes_running", "host.processes_blocked", "host.processes"],
  lines: host([
    ["processes_running", "running"],
    ["processes_blocked", "blocked"],
  ]).lines,
  headline: (_lines, at, data) => {
    const n = first(data, "host.processes")[at];
    return n == null ? "–" : `${formatCount(n)} in all`;
  },
};
const swap: ChartSpec = {
  id: "swap",
  title: "Swap I/O",
  unit: "bytes_per_second",
  ...host([
    ["swap_in", "in"],
    ["swap_out", "out"],
  ]),
  headline: added("bytes_per_second"),
};
const switches: ChartSpec = {
  id: "switches",
  title: "Context switches",
  unit: "per_second",
  ...host([["context_switches", "switches"]]),
  headline: values("per_second"),
};

/** Charts of the overview, in rows of two. The cores' heat map stands between them and draws itself. */
export const overview: readonly ChartSpec[] = [cpu, memory, diskIo, network, load, pressure, filesystems, tcp, processes, swap, switches];
export const CORES = "cpu_core.busy";

/** Charts above those of the single devices. */
export const disks: readonly ChartSpec[] = [filesystems, inodes];
export const networks: readonly ChartSpec[] = [network, tcp, retransmits];

/** Four charts a block device. */
export const deviceCharts = (device: string): ChartSpec[] => [
  {
    id: `${device}-throughput`,
    title: "Throughput",
    unit: "bytes_per_second",
    ...one("disk", device, [
      ["read", "read"],
      ["write", "write"],
    ]),
    headline: added("bytes_per_second"),
  },
  {
    id: `${device}-ops`,
    title: "Requests",
    unit: "per_second",
    ...one("disk", device, [
      ["read_ops", "reads"],
      ["write_ops", "writes"],
    ]),
    headline: added("per_second"),
  },
  {
    id: `${device}-await`,
    title: "Await",
    unit: "milliseconds",
    ...one("disk", device, [
      ["read_await", "read"],
      ["write_await", "write"],
    ]),
    headline: values("milliseconds"),
  },
  {
    id: `${device}-utilisation`,
    title: "Utilisation",
    unit: "percent",
    top: hundred,
    filled: true,
    ...one("disk", device, [["utilisation", "busy"]]),
    headline: values("percent"),
  },
];
/** Three charts an interface. */
export const interfaceCharts = (name: string): ChartSpec[] => [
  {
    id: `${name}-throughput`,
    title: "Throughput",
    unit: "bytes_per_second",
    ...one("network", name, [
      ["receive", "in"],
      ["transmit", "out"],
    ]),
    headline: values("bytes_per_second"),
  },
  {
    id: `${name}-packets`,
    title: "Packets",
    unit: "per_second",
    ...one("network", name, [
      ["receive_packets", "in"],
      ["transmit_packets", "out"],
    ]),
    headline: values("per_second"),
  },
  {
    id: `${name}-errors`,
    title: "Errors and drops",
    unit: "per_second",
    ...one("network", name, [
      ["receive_errors", "errors in"],
      ["transmit_errors", "errors out"],
      ["receive_drops", "drops in"],
      ["transmit_drops", "drops out"],
    ]),
    headline: added("per_second"),
  },
];

/** What a list of charts asks the API for, sorted and each once. */
export const metricsOf = (specs: readonly ChartSpec[]): string[] => [...new Set(specs.flatMap((s) => s.metrics))].toSorted();
