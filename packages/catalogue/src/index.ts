/**
 * The metric catalogue: which families of metrics exist, which measures each has, and how a value is stored.
 * The wire (proto/devflow/metrics), the tables, the API and the charts are all derived from it.
 *
 * Families and measures are only ever appended: a measure's place is its meaning on the wire and in agents' spools.
 */

/** Natural unit of a measure, as the API gives it. */
export type Unit = "percent" | "bytes" | "bytes_per_second" | "per_second" | "milliseconds" | "seconds" | "count" | "ratio";

export interface Measure {
  /** Snake case; also the column that holds the mean of the interval's second values. */
  readonly name: string;
  readonly unit: Unit;
  /** Natural value = stored integer × step. */
  readonly step: number;
  /** Whether `<name>_max`, the maximum of the second values, is kept beside the mean. */
  readonly max: boolean;
  /** Column type: int holds ±2,147,483,647 stored units, bigint ±2^53 here. */
  readonly type: "int" | "bigint";
  /** One line for people: what is measured and where it is read. */
  readonly help: string;
}

export interface Family {
  /** Id on the wire. */
  readonly id: number;
  readonly name: string;
  /** What an instance is; "host" means that there is exactly one, with an empty name and instance_no 0. */
  readonly instance: "host" | "core" | "mount" | "device" | "interface";
  readonly measures: readonly Measure[];
}

type Options = Partial<Pick<Measure, "max" | "type" | "step">>;

const measure =
  (unit: Unit, step: number, type: Measure["type"]) =>
  (name: string, help: string, options: Options = {}): Measure => ({ name, unit, step, max: true, type, help, ...options });

const percent = measure("percent", 0.01, "int");
const kibibytes = measure("bytes", 1024, "bigint");
const throughput = measure("bytes_per_second", 102.4, "int");
const rate = measure("per_second", 0.1, "int");
const latency = measure("milliseconds", 0.01, "int");
const count = measure("count", 1, "int");
const load = measure("ratio", 0.01, "int");
const seconds = measure("seconds", 1, "bigint");

const level = { max: false } as const;

export const families = [
  {
    id: 1,
    name: "host",
    instance: "host",
    measures: [
      percent("cpu_busy", "All but idle and I/O wait, of all CPUs together (/proc/stat)"),
      percent("cpu_user", "User mode, nice and guest included"),
      percent("cpu_system", "Kernel mode"),
      percent("cpu_iowait", "Idle while I/O was outstanding"),
      percent("cpu_irq", "Hard and soft interrupts"),
      percent("cpu_steal", "Taken by the hypervisor"),
      load("load_1", "Load average over 1 minute (/proc/loadavg)", level),
      load("load_5", "Load average over 5 minutes", level),
      load("load_15", "Load average over 15 minutes", level),
      kibibytes("memory_total", "MemTotal (/proc/meminfo)", level),
      kibibytes("memory_used", "MemTotal - MemAvailable"),
      kibibytes("memory_available", "MemAvailable", level),
      kibibytes("memory_cached", "Cached + SReclaimable - Shmem", level),
      kibibytes("memory_buffers", "Buffers", level),
      kibibytes("memory_dirty", "Dirty + Writeback"),
      kibibytes("swap_total", "SwapTotal", level),
      kibibytes("swap_used", "SwapTotal - SwapFree"),
      throughput("swap_in", "Read from swap (/proc/vmstat pswpin)"),
      throughput("swap_out", "Written to swap (/proc/vmstat pswpout)"),
      percent("psi_cpu_some", "Time in which some task waited for a CPU (/proc/pressure/cpu)"),
      percent("psi_memory_some", "Time in which some task waited for memory"),
      percent("psi_memory_full", "Time in which all tasks waited for memory"),
      percent("psi_io_some", "Time in which some task waited for I/O"),
      percent("psi_io_full", "Time in which all tasks waited for I/O"),
      count("tcp_established", "TCP connections established, IPv4 and IPv6 (/proc/net/snmp CurrEstab - CLOSE_WAIT)"),
      count("tcp_time_wait", "TCP connections in TIME_WAIT (/proc/net/sockstat)"),
      count("tcp_close_wait", "TCP connections in CLOSE_WAIT (/proc/net/tcp, tcp6, every 10 to 60 s)"),
      count("tcp_syn", "TCP connections in SYN_SENT or SYN_RECV"),
      count("tcp_listen", "TCP sockets listening"),
      rate("tcp_retransmits", "Segments sent again (/proc/net/snmp RetransSegs)"),
      count("processes", "Processes (/proc)", level),
      count("processes_running", "Runnable tasks (/proc/stat procs_running)"),
      count("processes_blocked", "Tasks blocked on I/O (/proc/stat procs_blocked)"),
      count("threads", "Kernel scheduling entities (/proc/loadavg)", level),
      rate("context_switches", "Context switches (/proc/stat ctxt)"),
      rate("forks", "Processes made (/proc/stat processes)"),
      count("open_files", "Open file handles (/proc/sys/fs/file-nr)", level),
      seconds("uptime", "Time since boot (/proc/uptime)", level),
    ],
  },
  {
    id: 2,
    name: "cpu_core",
    instance: "core",
    measures: [
      percent("busy", "All but idle and I/O wait, of this CPU"),
      percent("user", "User mode, nice and guest included"),
      percent("system", "Kernel mode, interrupts included"),
      percent("iowait", "Idle while I/O was outstanding"),
      percent("steal", "Taken by the hypervisor"),
    ],
  },
  {
    id: 3,
    name: "filesystem",
    instance: "mount",
    measures: [
      kibibytes("total", "Size (statfs)", level),
      kibibytes("used", "Size - free"),
      kibibytes("available", "Free for ordinary users", level),
      count("inodes_total", "Inodes; not measured where the file system has no fixed number", { max: false, type: "bigint" }),
      count("inodes_used", "Inodes in use", { max: false, type: "bigint" }),
    ],
  },
  {
    id: 4,
    name: "disk",
    instance: "device",
    measures: [
      throughput("read", "Read (/proc/diskstats)"),
      throughput("write", "Written"),
      rate("read_ops", "Reads completed"),
      rate("write_ops", "Writes completed"),
      latency("read_await", "Mean time of a read; not measured in a second without reads"),
      latency("write_await", "Mean time of a write; not measured in a second without writes"),
      percent("utilisation", "Time in which at least one request was under way"),
      load("queue", "Mean number of requests under way"),
    ],
  },
  {
    id: 5,
    name: "network",
    instance: "interface",
    measures: [
      throughput("receive", "Received (/proc/net/dev)"),
      throughput("transmit", "Sent"),
      rate("receive_packets", "Packets received"),
      rate("transmit_packets", "Packets sent"),
      rate("receive_errors", "Receive errors"),
      rate("transmit_errors", "Transmit errors"),
      rate("receive_drops", "Packets dropped on receive"),
      rate("transmit_drops", "Packets dropped on transmit"),
    ],
  },
] as const satisfies readonly Family[];

export type FamilyName = (typeof families)[number]["name"];

/** A column of a family's row, in wire order: each measure's mean, followed by its maximum where one is kept. */
export interface Column {
  readonly name: string;
  readonly measure: Measure;
  readonly aggregate: "mean" | "max";
}

/** Columns of a family in wire order. */
export function columnsOf(family: Family): readonly Column[] {
  return family.measures.flatMap((m): Column[] => {
    const mean: Column = { name: m.name, measure: m, aggregate: "mean" };
    return m.max ? [mean, { name: `${m.name}_max`, measure: m, aggregate: "max" }] : [mean];
  });
}

const byId: ReadonlyMap<number, Family> = new Map(families.map((f): [number, Family] => [f.id, f]));
const byName: ReadonlyMap<string, Family> = new Map(families.map((f): [string, Family] => [f.name, f]));

/** The family with that wire id, or undefined. */
export const familyById = (id: number): Family | undefined => byId.get(id);

/** The family with that name, or undefined. */
export const familyByName = (name: string): Family | undefined => byName.get(name);

export * from "./cells.ts";
