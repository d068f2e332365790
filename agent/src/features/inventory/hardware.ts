import { listFolder, readText } from "../../host/files.ts";

/** CPUs as /proc/cpuinfo tells. */
export interface Cpu {
  readonly model: string;
  readonly threads: number;
  /** 0 when unknown. */
  readonly cores: number;
}

/** Parses /proc/cpuinfo of x86 and, where lines are missing (arm64), what there is. */
export function parseCpuinfo(text: string): Cpu {
  const cores = new Set<string>();
  let model = "";
  let threads = 0;
  let physical = "";
  for (const line of text.split("\n")) {
    const colon = line.indexOf(":");
    if (colon === -1) continue;
    const key = line.slice(0, colon).trim();
    const value = line.slice(colon + 1).trim();
    if (key === "processor") threads++;
    else if (key === "model name" && model === "") model = value;
    else if (key === "physical id") physical = value;
    else if (key === "core id") cores.add(`${physical}:${value}`);
  }
  return { model, threads, cores: cores.size };
}

/** Number of different cores by the siblings of each CPU (sysfs), 0 when unknown. */
export function coresOf(root: string): number {
  const base = `${root}/sys/devices/system/cpu`;
  const siblings = listFolder(base)
    .filter((name) => /^cpu\d+$/.test(name))
    .map((name) => readText(`${base}/${name}/topology/thread_siblings_list`))
    .filter((list) => list !== "");
  return new Set(siblings).size;
}

/** A disk. */
export interface Disk {
  readonly name: string;
  readonly sizeBytes: bigint;
  readonly model: string;
  readonly rotational: boolean;
}

const SECTOR_BYTES = 512n;
const NO_DISK = /^(?:loop|ram|zram|sr|fd|dm-|nbd)\d/;

/** Disks of /sys/block: no loop, RAM, optical and device-mapper devices, and none without a size. */
export function disksOf(root: string): Disk[] {
  const base = `${root}/sys/block`;
  return listFolder(base)
    .filter((name) => !NO_DISK.test(name))
    .map((name) => ({
      name,
      sizeBytes: BigInt(/^\d+$/.exec(readText(`${base}/${name}/size`))?.[0] ?? 0) * SECTOR_BYTES,
      model: readText(`${base}/${name}/device/model`),
      rotational: readText(`${base}/${name}/queue/rotational`) === "1",
    }))
    .filter((disk) => disk.sizeBytes > 0n)
    .slice(0, 128);
}
