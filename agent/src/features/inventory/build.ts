import { create } from "@bufbuild/protobuf";
import { type Inventory, InventorySchema } from "@devflow/proto/inventory/v1/inventory";
import { hostname } from "node:os";
import { listFolder, readText } from "../../host/files.ts";
import { interfaceAddresses } from "../../host/interfaces.ts";
import { parseMounts } from "../../host/mounts.ts";
import { SpaceReader } from "../../host/statfs.ts";
import { wantedInterfaces } from "../metrics/index.ts";
import { machineFingerprint } from "./fingerprint.ts";
import { coresOf, disksOf, parseCpuinfo } from "./hardware.ts";
import { holdersOf, listenersOf } from "./ports.ts";
import { cloudOf, containerOf, hypervisorOf, initOf, parseOsRelease, readDmi, rebootRequired, timeZoneOf } from "./system.ts";

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
  for (const { mountPoint, source, type } of parseMounts(readText(`${root}/proc/self/mountinfo`)).slice(0, MAX_ROWS)) {
    found.push({ mountPoint, device: source, type, sizeBytes: await sizeOf(root + mountPoint) });
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

/** Everything that Inventory holds, read from files under `root`; host name and addresses are the running machine's. */
export async function buildInventory(root: string): Promise<Inventory> {
  const os = parseOsRelease(readText(`${root}/etc/os-release`) || readText(`${root}/usr/lib/os-release`));
  const cpuinfo = readText(`${root}/proc/cpuinfo`);
  const cpu = parseCpuinfo(cpuinfo);
  const meminfo = readText(`${root}/proc/meminfo`);
  const kernel = readText(`${root}/proc/sys/kernel/osrelease`);
  const dmi = readDmi(root);
  return create(InventorySchema, {
    hostname: hostname().slice(0, 253),
    osName: (os["PRETTY_NAME"] ?? os["NAME"] ?? "").slice(0, MAX_TEXT),
    osId: (os["ID"] ?? "").slice(0, MAX_TEXT),
    osVersion: (os["VERSION_ID"] ?? "").slice(0, MAX_TEXT),
    kernel,
    architecture: process.arch,
    virtualization: containerOf(root) || hypervisorOf(dmi, cpuinfo),
    cpuModel: cpu.model,
    cpuThreads: cpu.threads,
    cpuCores: cpu.cores || coresOf(root),
    memoryBytes: bytesOf(meminfo, "MemTotal"),
    swapBytes: bytesOf(meminfo, "SwapTotal"),
    bootTimeS: BigInt(/^btime (\d+)/m.exec(readText(`${root}/proc/stat`))?.[1] ?? 0),
    blockDevices: disksOf(root),
    filesystems: await filesystemsOf(root),
    interfaces: interfacesOf(root),
    timeZone: timeZoneOf(root),
    init: initOf(root),
    cloud: cloudOf(dmi),
    product: dmi.product,
    rebootRequired: rebootRequired(root, kernel),
    listeningPorts: portsOf(root),
    runtimeVersion: process.version,
    machineFingerprint: machineFingerprint(root),
  });
}
