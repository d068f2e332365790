import type { Inventory, Server, ServerState } from "@devflow/api";
import { families } from "@devflow/catalogue";
import { groupOf } from "./group-of.ts";
import { hash, seedOf, unit, wave } from "./noise.ts";

/** A made-up server and what its charts look like. */
export interface Machine {
  server: Server;
  readonly seed: number;
  readonly cores: number;
  readonly memoryBytes: number;
  /** Before this it measured nothing, seconds since 1970. */
  sinceSeconds?: number;
  /** Mean share of CPU and memory in use, 0 to 1. */
  readonly busy: number;
  readonly full: number;
  readonly disks: readonly { mount: string; device: string; bytes: number; used: number }[];
  readonly interfaces: readonly string[];
}

const GiB = 2 ** 30;
const kinds = [
  { name: "api", tags: ["prod", "php"], cores: 8, memory: 15.7, busy: 0.34, full: 0.62 },
  { name: "db", tags: ["prod", "postgres"], cores: 16, memory: 62.8, busy: 0.26, full: 0.74 },
  { name: "edge-fra", tags: ["prod", "edge"], cores: 2, memory: 3.8, busy: 0.12, full: 0.29 },
  { name: "edge-ams", tags: ["prod", "edge"], cores: 2, memory: 3.8, busy: 0.13, full: 0.31 },
  { name: "queue", tags: ["prod"], cores: 8, memory: 31.2, busy: 0.52, full: 0.44 },
  { name: "build", tags: ["build"], cores: 32, memory: 125.6, busy: 0.58, full: 0.5 },
  { name: "search", tags: ["prod"], cores: 8, memory: 31.2, busy: 0.27, full: 0.68 },
  { name: "staging", tags: ["staging"], cores: 4, memory: 7.7, busy: 0.07, full: 0.4 },
] as const;
const systems = ["Debian GNU/Linux 12 (bookworm)", "Ubuntu 24.04.3 LTS", "Rocky Linux 9.6", "Alpine Linux 3.22"];

const uuid = (n: number): string => {
  const h = [hash(n, 1), hash(n, 2), hash(n, 3), hash(n, 4)].map((x) => x.toString(16).padStart(8, "0")).join("");
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-4${h.slice(13, 16)}-a${h.slice(17, 20)}-${h.slice(20)}`;
};
const iso = (ms: number): string => new Date(ms).toISOString();

/** Machine number `n` of the fleet. */
export function machine(n: number, nowMs: number): Machine {
  const kind = kinds[n % kinds.length] as (typeof kinds)[number];
  const seed = seedOf(`m${n}`);
  const name = `${kind.name}-${String(Math.floor(n / kinds.length) + 1).padStart(2, "0")}`;
  const hot = n === 8;
  const state: ServerState =
    n === 10 || (n > 40 && unit(seed, 5) < 0.006)
      ? "offline"
      : n === 23
        ? "pending"
        : n === 26
          ? "quarantined"
          : n === 27
            ? "revoked"
            : "online";
  const busy = n === 12 ? 0.97 : kind.busy * (0.5 + unit(seed, 6));
  const full = hot ? 0.955 : Math.min(0.84, kind.full * (0.7 + 0.6 * unit(seed, 7)));
  const root = n === 9 ? 0.914 : 0.15 + 0.6 * unit(seed, 8);
  const seen = state !== "online" ? nowMs - 4 * 60_000 - (n > 10 ? unit(seed, 9) * 86_400_000 : 0) : nowMs;
  const memoryBytes = kind.memory * GiB;
  return {
    seed,
    cores: kind.cores,
    memoryBytes,
    busy,
    full,
    disks: [
      { mount: "/", device: "nvme0n1p2", bytes: 80 * GiB, used: root },
      { mount: "/boot/efi", device: "nvme0n1p1", bytes: 0.5 * GiB, used: 0.06 },
      ...(kind.name === "db"
        ? [{ mount: "/var/lib/postgresql", device: "nvme1n1", bytes: 960 * GiB, used: Math.max(0.2, root - 0.05) }]
        : []),
    ],
    interfaces: kind.name === "build" ? ["eth0", "docker0"] : ["eth0"],
    server: {
      id: uuid(n + 1),
      name,
      hostname: `${name}.northwind.example`,
      state,
      stateSince: iso(
        state === "offline" || state === "quarantined" || state === "revoked" ? seen : nowMs - 86_400_000 * (1 + 40 * unit(seed, 4)),
      ),
      lastSeenAt: state === "pending" ? null : iso(seen),
      enrolledAt: iso(nowMs - 86_400_000 * (41 + 200 * unit(seed, 3))),
      roundTripMs: state === "online" ? Math.round((0.4 + 60 * unit(seed, 2) ** 3) * 10) / 10 : null,
      agentVersion: "0.1.0",
      osName: systems[seed % systems.length] as string,
      monitorOnly: n % 11 === 5,
      tags: [...kind.tags],
      groupId: groupOf(kind.name),
      latest: null,
      warnings:
        n === 14
          ? [
              {
                code: "clock_off",
                message: "Its clock is 94 s ahead; values are stored with the corrected time.",
                since: iso(nowMs - 3 * 3_600_000),
              },
            ]
          : [],
    },
  };
}

/** Names of a family's instances on a machine. */
export function instancesOf(m: Machine, family: string): string[] {
  switch (family) {
    case "cpu_core":
      return Array.from({ length: m.cores }, (_, i) => `cpu${i}`);
    case "filesystem":
      return m.disks.map((d) => d.mount);
    case "disk":
      return [...new Set(m.disks.map((d) => d.device.replace(/p\d$/, "")))];
    case "network":
      return [...m.interfaces];
    default:
      return [""];
  }
}

const clamp = (n: number, max = 100): number => Math.max(0, Math.min(max, n));

/** One value in natural units at a second; null is a gap (the machine was down for five minutes this morning). */
export function valueAt(m: Machine, family: string, measure: string, instance: string, seconds: number): number | null {
  if (m.sinceSeconds !== undefined && seconds < m.sinceSeconds) return null;
  const day = seconds % 86_400;
  if (m.seed % 3 === 0 && day > 30_000 && day < 30_300) return null;
  const s = seedOf(`${family}.${measure}.${instance}`) ^ m.seed;
  const w = wave(s, seconds);
  const load = wave(m.seed, seconds);
  const cpu = clamp(100 * m.busy * (0.35 + 1.3 * load));
  switch (`${family}.${measure}`) {
    case "host.cpu_busy":
      return cpu;
    case "host.cpu_user":
      return cpu * (0.68 + 0.1 * w);
    case "host.cpu_system":
      return cpu * (0.16 + 0.06 * w);
    case "host.cpu_irq":
      return cpu * 0.03 * w;
    case "host.cpu_iowait":
      return clamp(9 * w * w * w * (m.disks.length > 2 ? 2 : 0.8));
    case "host.cpu_steal":
      return clamp(1.2 * w * w * w);
    case "host.load_1":
      return (cpu / 100) * m.cores * (0.8 + 0.5 * w);
    case "host.load_5":
      return (cpu / 100) * m.cores * 0.98;
    case "host.load_15":
      return m.busy * m.cores * (0.8 + 0.3 * wave(m.seed, Math.floor(seconds / 900) * 900));
    case "host.memory_total":
      return m.memoryBytes;
    case "host.memory_used":
      return m.memoryBytes * clamp(m.full * (0.94 + 0.08 * load), 0.98);
    case "host.memory_available":
      return m.memoryBytes * (1 - clamp(m.full * (0.94 + 0.08 * load), 0.98));
    case "host.memory_cached":
      return m.memoryBytes * (1 - m.full) * (0.6 + 0.2 * w);
    case "host.memory_buffers":
      return m.memoryBytes * 0.012;
    case "host.memory_dirty":
      return 24 * 2 ** 20 * w;
    case "host.swap_total":
      return 4 * GiB;
    case "host.swap_used":
      return 4 * GiB * clamp((m.full - 0.6) * 0.6 * w, 1);
    case "host.swap_in":
    case "host.swap_out":
      return m.full > 0.9 ? 3 * 2 ** 20 * w * w : 0;
    case "host.tcp_established":
      return Math.round(420 * m.busy * (0.4 + load));
    case "host.tcp_time_wait":
      return Math.round(160 * m.busy * (0.4 + w));
    case "host.tcp_listen":
      return 14;
    case "host.tcp_close_wait":
    case "host.tcp_syn":
      return Math.round(3 * w * w);
    case "host.tcp_retransmits":
      return 4 * w * w * w;
    case "host.processes":
      return Math.round(140 + 60 * m.busy + 12 * w);
    case "host.processes_running":
      return Math.round(1 + (cpu / 100) * m.cores * w);
    case "host.processes_blocked":
      return Math.round(1.4 * w * w * w);
    case "host.threads":
      return Math.round(520 + 200 * m.busy + 30 * w);
    case "host.context_switches":
      return 9000 * m.busy * m.cores * (0.5 + load);
    case "host.forks":
      return 30 * w;
    case "host.open_files":
      return Math.round(2800 + 800 * w);
    case "host.uptime":
      return 41 * 86_400 + day;
    case "cpu_core.busy":
      return clamp(cpu * (0.5 + w));
    case "filesystem.total":
      return m.disks.find((d) => d.mount === instance)?.bytes ?? null;
    case "filesystem.used": {
      const d = m.disks.find((x) => x.mount === instance);
      return d ? d.bytes * clamp(d.used + 0.004 * ((seconds / 86_400) % 1), 1) : null;
    }
    case "filesystem.available": {
      const d = m.disks.find((x) => x.mount === instance);
      return d ? d.bytes * (1 - d.used) : null;
    }
    case "filesystem.inodes_total":
      return instance === "/boot/efi" ? null : 5_242_880;
    case "filesystem.inodes_used":
      return instance === "/boot/efi" ? null : Math.round(410_000 + 4000 * w);
    case "disk.read":
      return 40 * 2 ** 20 * w ** 3 * (0.3 + m.busy);
    case "disk.write":
      return 62 * 2 ** 20 * w ** 2 * (0.3 + m.busy);
    case "disk.read_ops":
      return 900 * w ** 2 * (0.2 + m.busy);
    case "disk.write_ops":
      return 1500 * w ** 2 * (0.2 + m.busy);
    case "disk.read_await":
      return 0.3 + 2.4 * w ** 3;
    case "disk.write_await":
      return 0.5 + 4 * w ** 3;
    case "disk.utilisation":
      return clamp(70 * w ** 2 * (0.3 + m.busy));
    case "disk.queue":
      return 2.2 * w ** 2;
    case "network.receive":
      return (instance === "docker0" ? 2 : 28) * 2 ** 20 * (0.15 + load) * (0.4 + 0.9 * w) * (0.2 + m.busy);
    case "network.transmit":
      return (instance === "docker0" ? 2 : 17) * 2 ** 20 * (0.15 + load) * (0.4 + 0.8 * w) * (0.2 + m.busy);
    case "network.receive_packets":
      return 21_000 * load * (0.2 + m.busy);
    case "network.transmit_packets":
      return 16_000 * load * (0.2 + m.busy);
    case "network.receive_errors":
    case "network.transmit_errors":
      return 0;
    case "network.receive_drops":
      return w > 0.72 ? 2 * w : 0;
    case "network.transmit_drops":
      return 0;
    default:
      return measure.startsWith("psi_")
        ? clamp(
            14 * w ** 3 * (0.3 + m.busy) +
              (m.busy > 0.9 && measure.includes("cpu") ? 40 * w : 0) +
              (m.full > 0.9 && measure.includes("memory") ? 12 * w : 0),
          )
        : clamp(cpu * w);
  }
}

/** The server with the values of now. */
export function current(m: Machine, nowMs: number): Server {
  const { server } = m;
  if (server.state === "pending") return server;
  const atMs = server.state === "online" ? nowMs : Date.parse(server.lastSeenAt ?? iso(nowMs));
  const t = Math.floor(atMs / 1000);
  const v = (measure: string) => valueAt(m, "host", measure, "", t);
  const net = (measure: string) => m.interfaces.reduce((sum, i) => sum + (valueAt(m, "network", measure, i, t) ?? 0), 0);
  const worst = m.disks.toSorted((a, b) => b.used - a.used)[0];
  return {
    ...server,
    lastSeenAt: iso(atMs),
    latest: {
      time: iso(Math.floor(atMs / 10_000) * 10_000),
      cpuPercent: v("cpu_busy"),
      load1: v("load_1"),
      memoryUsedBytes: v("memory_used"),
      memoryTotalBytes: m.memoryBytes,
      diskUsedPercent: worst ? worst.used * 100 : null,
      diskMount: worst?.mount ?? null,
      receiveBytesPerSecond: net("receive"),
      transmitBytesPerSecond: net("transmit"),
    },
  };
}

/** Rows of a live frame: every family and instance, values in catalogue order. */
export const frameRows = (m: Machine, seconds: number) =>
  families.flatMap((f) =>
    instancesOf(m, f.name).map((instance) => ({
      family: f.name as string,
      instance,
      values: f.measures.map((x) => valueAt(m, f.name, x.name, instance, seconds)),
    })),
  );

/** What the machine is. */
export const inventoryOf = (m: Machine, nowMs: number): Inventory => ({
  serverId: m.server.id,
  updatedAt: iso(nowMs - 3_600_000),
  hostname: m.server.hostname,
  osName: m.server.osName ?? "",
  osId: "debian",
  osVersion: "12",
  kernel: "6.1.0-40-amd64",
  architecture: "x86_64",
  virtualization: "kvm",
  cpuModel: m.cores > 8 ? "AMD EPYC 9454P" : "Intel(R) Xeon(R) Gold 6338",
  cpuThreads: m.cores,
  cpuCores: Math.max(1, m.cores / 2),
  memoryBytes: m.memoryBytes,
  swapBytes: 4 * GiB,
  gpus: m.cores > 8 ? [{ vendor: "NVIDIA Corporation", model: "NVIDIA L4", memoryBytes: 23_034 * 2 ** 20 }] : [],
  memoryModules:
    m.cores > 8 ? ["A1", "B1"].map((slot) => ({ slot: `DIMM ${slot}`, sizeBytes: m.memoryBytes / 2, type: "DDR5", speedMts: 4800 })) : [],
  chassis: m.cores > 8 ? "Rack Mount Chassis" : "",
  hasBattery: false,
  updatesPending: m.cores > 8 ? 12 : null,
  securityUpdatesPending: m.cores > 8 ? 5 : null,
  bootTime: iso(nowMs - 41 * 86_400_000),
  blockDevices: instancesOf(m, "disk").map((name, i) => ({
    name,
    sizeBytes: (i ? 960 : 80) * GiB,
    model: "SAMSUNG MZQL2960HCJR",
    rotational: false,
  })),
  filesystems: m.disks.map((d) => ({
    mountPoint: d.mount,
    device: `/dev/${d.device}`,
    type: d.mount === "/boot/efi" ? "vfat" : "ext4",
    sizeBytes: d.bytes,
  })),
  interfaces: m.interfaces.map((name, i) => ({
    name,
    mac: `52:54:00:1a:2b:${(16 + i).toString(16)}`,
    addresses: [`10.20.${m.seed % 200}.${17 + i}/24`, ...(i ? [] : ["2001:db8:20::17/64"])],
    speedMbits: i ? 0 : 10_000,
  })),
  timeZone: "Europe/Berlin",
  init: "systemd",
  cloud: "hetzner",
  product: "vServer",
  rebootRequired: m.seed % 4 === 0,
  runtimeVersion: "24.21.0",
  listeningPorts: [
    { protocol: "tcp", address: "0.0.0.0", port: 22, process: "sshd" },
    { protocol: "tcp", address: "0.0.0.0", port: 443, process: "nginx" },
    { protocol: "tcp", address: "127.0.0.1", port: 9000, process: "php-fpm" },
    { protocol: "udp", address: "127.0.0.1", port: 323, process: "chronyd" },
  ],
});
