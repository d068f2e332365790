import { create } from "@bufbuild/protobuf";
import { type Inventory, InventorySchema } from "@devflow/proto/inventory/v1/inventory";
import { hostname } from "node:os";
import { listFolder, readText } from "../../host/files.ts";
import { interfaceAddresses } from "../../host/interfaces.ts";
import { parseMounts } from "../../host/mounts.ts";
import { SpaceReader } from "../../host/statfs.ts";
import { wantedInterfaces } from "../metrics/index.ts";
import type { Details } from "./details.ts";
import { machineFingerprint } from "./fingerprint.ts";
import { coresOf, disksOf, parseCpuinfo } from "./hardware.ts";
import { holdersOf, listenersOf } from "./ports.ts";
import { cloudOf, containerOf, hypervisorOf, initOf, parseOsRelease, readDmi, rebootRequired, timeZoneOf } from "./system.ts";
import { updatesOf } from "./updates.ts";

const MAX_ROWS = 128;
const MAX_ADDRESSES = 32;
const MAX_TEXT = 255;

const spaces = new SpaceReader();
/** Sizes known so far: a file system whose storage does not answer keeps its last one. */
const sizes = new Map<string, bigint>();

function sizeOf(path: string): Promise<bigint> {
  return new Promise((resolve) => {
    const known = (): bigint => sizes.get(path) ?? 0n;
    const timer = setTimeout(() => resolve(known()), 2000);
    const asked = spaces.ask(path, (space) => {
      clearTimeout(timer);
      if (space) sizes.set(path, BigInt(space.totalBytes));
      resolve(known());
    });
    if (!asked) {
      clearTimeout(timer);
      resolve(known());
    }
  });
}

async function filesystemsOf(
  root: string,
): Promise<Pick<Inventory["filesystems"][number], "mountPoint" | "device" | "type" | "sizeBytes">[]> {
  const found = [];
  // The message has room for so much; a path beyond has no row in the metrics either.
  const mounts = parseMounts(readText(`${root}/proc/self/mountinfo`)).filter((mount) => mount.mountPoint.length <= MAX_TEXT);
  for (const { mountPoint, source, type } of mounts.slice(0, MAX_ROWS)) {
    found.push({ mountPoint, device: source.slice(0, MAX_TEXT), type, sizeBytes: await sizeOf(root + mountPoint) });
  }
  return found;
}

function interfacesOf(root: string): { name: string; mac: string; addresses: string[]; speedMbits: number }[] {
  const base = `${root}/sys/class/net`;
  const addresses = interfaceAddresses();
  const names = [...new Set([...listFolder(base), ...addresses.keys()])].sort();
  const wanted = wantedInterfaces(names);
  return names
    .filter((name) => wanted.has(name) && (addresses.has(name) || readText(`${base}/${name}/operstate`) === "up"))
    .slice(0, MAX_ROWS)
    .map((name) => {
      const mac = readText(`${base}/${name}/address`);
      const speed = Number(readText(`${base}/${name}/speed`));
      return {
        name,
        mac: mac === "00:00:00:00:00:00" ? "" : mac,
        addresses: (addresses.get(name) ?? []).slice(0, MAX_ADDRESSES),
        speedMbits: speed > 0 && speed < 2 ** 32 - 1 ? speed : 0,
      };
    });
}

function portsOf(root: string): { protocol: string; address: string; port: number; process: string }[] {
  const listeners = listenersOf(root);
  const holders = holdersOf(root, new Set(listeners.map((l) => l.inode)));
  return listeners.map(({ protocol, address, port, inode }) => ({ protocol, address, port, process: holders.get(inode) ?? "" }));
}

function bytesOf(meminfo: string, key: string): bigint {
  const match = new RegExp(`^${key}:\\s+(\\d+) kB`, "m").exec(meminfo);
  return match ? BigInt(match[1] as string) * 1024n : 0n;
}

/** What was read, else what the child read, with sizes as the wire has them. */
const orElse = <T extends { sizeBytes: number }, W>(
  read: W[],
  told: readonly T[] = [],
): (W | (Omit<T, "sizeBytes"> & { sizeBytes: bigint }))[] =>
  read.length > 0 ? read : told.map((row) => ({ ...row, sizeBytes: BigInt(row.sizeBytes) }));

/**
 * Everything that Inventory holds, read from files under `root`; host name and addresses are the running machine's.
 * @param details what the child told. Default null: nothing
 */
export async function buildInventory(root: string, details: Details | null = null): Promise<Inventory> {
  const base = details?.base;
  const os = parseOsRelease(readText(`${root}/etc/os-release`) || readText(`${root}/usr/lib/os-release`));
  const cpuinfo = readText(`${root}/proc/cpuinfo`);
  const cpu = parseCpuinfo(cpuinfo);
  const meminfo = readText(`${root}/proc/meminfo`);
  const kernel = readText(`${root}/proc/sys/kernel/osrelease`);
  const dmi = readDmi(root);
  return create(InventorySchema, {
    hostname: hostname().slice(0, 253),
    osName: (os["PRETTY_NAME"] ?? os["NAME"] ?? base?.osName ?? "").slice(0, MAX_TEXT),
    osId: (os["ID"] ?? base?.osId ?? "").slice(0, MAX_TEXT),
    osVersion: (os["VERSION_ID"] ?? base?.osVersion ?? "").slice(0, MAX_TEXT),
    kernel: kernel || (base?.kernel ?? ""),
    architecture: process.arch,
    virtualization: containerOf(root) || hypervisorOf(dmi, cpuinfo),
    cpuModel: cpu.model || (base?.cpuModel ?? ""),
    cpuThreads: cpu.threads || (base?.cpuThreads ?? 0),
    cpuCores: cpu.cores || coresOf(root) || (base?.cpuCores ?? 0),
    memoryBytes: bytesOf(meminfo, "MemTotal") || BigInt(base?.memoryBytes ?? 0),
    swapBytes: bytesOf(meminfo, "SwapTotal") || BigInt(base?.swapBytes ?? 0),
    bootTimeS: BigInt(/^btime (\d+)/m.exec(readText(`${root}/proc/stat`))?.[1] ?? base?.bootTimeS ?? 0),
    blockDevices: orElse(disksOf(root), base?.blockDevices),
    filesystems: orElse(await filesystemsOf(root), base?.filesystems),
    interfaces: interfacesOf(root),
    timeZone: timeZoneOf(root) || (base?.timeZone ?? ""),
    init: initOf(root),
    cloud: cloudOf(dmi),
    product: dmi.product || (base?.product ?? ""),
    rebootRequired: rebootRequired(root, kernel),
    listeningPorts: portsOf(root),
    runtimeVersion: process.version,
    machineFingerprint: machineFingerprint(root),
    gpus: (details?.gpus ?? []).map((gpu) => ({ ...gpu, memoryBytes: BigInt(gpu.memoryBytes) })),
    memoryModules: (details?.memoryModules ?? []).map((module) => ({ ...module, sizeBytes: BigInt(module.sizeBytes) })),
    chassis: details?.chassis ?? "",
    hasBattery: details?.hasBattery ?? false,
    ...updatesOf(root),
  });
}
