import type { Inventory as InventoryMessage } from "@devflow/proto/inventory/v1/inventory";
import type { Inventory } from "@devflow/api";

export type InventoryFacts = Omit<Inventory, "serverId" | "updatedAt">;

/** Entries of each list that are kept; a machine with more is cut there rather than refused. */
const MAX_ENTRIES = {
  blockDevices: 512,
  filesystems: 512,
  interfaces: 512,
  addresses: 64,
  listeningPorts: 2048,
  gpus: 64,
  memoryModules: 256,
} as const;
const MAX_TEXT = 255;

/** As told by the agent: without control characters and bidirectional overrides, and bounded. */
const text = (value: string, max = MAX_TEXT): string =>
  value
    .toWellFormed()
    .replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, "")
    .slice(0, max)
    .toWellFormed()
    .trim();

const number = (value: bigint): number => Number(value > BigInt(Number.MAX_SAFE_INTEGER) ? BigInt(Number.MAX_SAFE_INTEGER) : value);

/** The last second that a JavaScript Date and PostgreSQL both know, year 9999. */
const MAX_TIME_S = 253_402_300_799n;

/** What is stored and shown of an inventory. */
export function toFacts(m: InventoryMessage): InventoryFacts {
  const bootTimeS = m.bootTimeS < 0n ? 0n : m.bootTimeS > MAX_TIME_S ? MAX_TIME_S : m.bootTimeS;
  return {
    hostname: text(m.hostname, 253),
    osName: text(m.osName),
    osId: text(m.osId),
    osVersion: text(m.osVersion),
    kernel: text(m.kernel),
    architecture: text(m.architecture),
    virtualization: text(m.virtualization),
    cpuModel: text(m.cpuModel),
    cpuThreads: m.cpuThreads,
    cpuCores: m.cpuCores,
    memoryBytes: number(m.memoryBytes),
    swapBytes: number(m.swapBytes),
    bootTime: new Date(Number(bootTimeS) * 1000).toISOString(),
    blockDevices: m.blockDevices
      .slice(0, MAX_ENTRIES.blockDevices)
      .map((d) => ({ name: text(d.name), sizeBytes: number(d.sizeBytes), model: text(d.model), rotational: d.rotational })),
    filesystems: m.filesystems.slice(0, MAX_ENTRIES.filesystems).map((f) => ({
      mountPoint: text(f.mountPoint, 1024),
      device: text(f.device, 1024),
      type: text(f.type),
      sizeBytes: number(f.sizeBytes),
    })),
    interfaces: m.interfaces.slice(0, MAX_ENTRIES.interfaces).map((i) => ({
      name: text(i.name),
      mac: text(i.mac),
      addresses: i.addresses.slice(0, MAX_ENTRIES.addresses).map((a) => text(a)),
      speedMbits: i.speedMbits,
    })),
    timeZone: text(m.timeZone),
    init: text(m.init),
    cloud: text(m.cloud),
    product: text(m.product),
    rebootRequired: m.rebootRequired,
    listeningPorts: m.listeningPorts
      .slice(0, MAX_ENTRIES.listeningPorts)
      .map((p) => ({ protocol: text(p.protocol), address: text(p.address), port: p.port, process: text(p.process) })),
    runtimeVersion: text(m.runtimeVersion),
    gpus: m.gpus
      .slice(0, MAX_ENTRIES.gpus)
      .map((g) => ({ vendor: text(g.vendor), model: text(g.model), memoryBytes: number(g.memoryBytes) })),
    memoryModules: m.memoryModules
      .slice(0, MAX_ENTRIES.memoryModules)
      .map((d) => ({ slot: text(d.slot), sizeBytes: number(d.sizeBytes), type: text(d.type), speedMts: d.speedMts })),
    chassis: text(m.chassis),
    hasBattery: m.hasBattery,
    updatesPending: m.updatesPending ?? null,
    securityUpdatesPending: m.securityUpdatesPending ?? null,
  };
}
