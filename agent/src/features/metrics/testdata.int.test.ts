import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, expect, it } from "vitest";
import { parseMounts } from "../../host/mounts.ts";
import type { Sample } from "./probe.ts";
import { Sampler } from "./sampler.ts";
import type { Table } from "./table.ts";

const testdata = fileURLToPath(new URL("./testdata/", import.meta.url));

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0)) clean();
});

/** Natural values of a row; NaN for "not measured". */
function row(table: Table, instance = ""): Record<string, number> {
  const at = table.instances.indexOf(instance);
  if (at === -1) throw new Error(`no row ${instance} among ${table.instances.join(", ")}`);
  return Object.fromEntries(table.family.measures.map((m, i) => [m.name, (table.cells[at * table.width + i] as number) * m.step]));
}

function read(sampler: Sampler, nowMs: number): Sample {
  const sample = sampler.read(nowMs);
  if (!sample) throw new Error("nothing was read");
  return sample;
}

function samplerOf(root: string): Sampler {
  const sampler = new Sampler(root);
  cleanups.push(() => sampler.close());
  return sampler;
}

const mountsOf = (machine: string) => parseMounts(readFileSync(join(testdata, machine, "proc/self/mountinfo"), "utf8"));

it("measures what happened on a virtual machine between two captures", () => {
  const root = mkdtempSync(join(tmpdir(), "devflow-root-"));
  cleanups.push(() => rmSync(root, { recursive: true }));
  cpSync(join(testdata, "vm-6.18/first"), root, { recursive: true });
  const sampler = samplerOf(root);
  read(sampler, 0);
  const second = join(testdata, "vm-6.18/second");
  for (const path of readdirSync(second, { recursive: true, encoding: "utf8" })) {
    // Written in place, as the kernel's files are: the descriptors stay open.
    if (statSync(join(second, path)).isFile()) writeFileSync(join(root, path), readFileSync(join(second, path)));
  }
  const { host, cpu_core: cores, disk, network } = read(sampler, 2090);
  const now = row(host);
  // Ticks by mode: user 291, system 102, idle 24, I/O wait 1, softirq 6; 424 in all.
  expect(now["cpu_busy"]).toBeCloseTo((100 * (291 + 102 + 6)) / 424, 1);
  expect(now["cpu_user"]).toBeCloseTo((100 * 291) / 424, 1);
  expect(now["cpu_system"]).toBeCloseTo((100 * 102) / 424, 1);
  expect(now["cpu_iowait"]).toBeCloseTo(100 / 424, 1);
  // The second processor: user 162, system 40, softirq 4, idle 6, I/O wait 1.
  expect(row(cores, "1")["busy"]).toBeCloseTo((100 * 206) / 213, 1);
  expect(now["context_switches"]).toBeCloseTo((39_921_542 - 39_900_610) / 2.09, 0);
  expect(now["forks"]).toBeCloseTo((163_886 - 163_847) / 2.09, 1);
  expect(now["psi_cpu_some"]).toBeCloseTo((2_552_345_473 - 2_551_082_562) / 20_900, 1);
  expect(now["psi_memory_some"]).toBe(0);
  expect(now).toMatchObject({ memory_total: 24_684_092 * 1024, memory_available: 18_433_004 * 1024, swap_total: 0, swap_in: 0 });
  expect(now).toMatchObject({ tcp_established: 20_008, tcp_time_wait: 54, tcp_retransmits: 0 });
  expect(disk.instances).toEqual(["vda"]);
  expect((row(disk, "vda")["write"] as number) * 2.09).toBeCloseTo((85_758_344 - 85_679_736) * 512, -4);
  expect(row(disk, "vda")["write_await"]).toBeCloseTo((580_365 - 580_158) / (1_274_161 - 1_273_640), 1);
  expect(row(disk, "vda")["utilisation"]).toBeCloseTo((130_368 - 130_240) / 20.9, 1);
  expect(network.instances).toEqual(["eth0"]);
  expect(mountsOf("vm-6.18/first").map((m) => m.mountPoint)).toEqual(["/"]);
});

it("reads a kernel 3.10: memory is estimated, pressure and newer columns are not measured", () => {
  const sampler = samplerOf(join(testdata, "kernel-3.10"));
  read(sampler, 0);
  const { host, cpu_core: cores, disk, network } = read(sampler, 1000);
  expect(row(host)).toMatchObject({
    // free + buffers + cache without shared memory, with reclaimable slabs
    memory_available: (141_200 + 2104 + 972_340 + 108_804 - 17_476) * 1024,
    swap_used: (2_097_148 - 2_088_692) * 1024,
    swap_in: 0,
    psi_cpu_some: Number.NaN,
    psi_memory_full: Number.NaN,
    tcp_established: 4,
    tcp_time_wait: 2,
    open_files: 1376,
    threads: 182,
  });
  expect(cores.instances).toEqual(["0", "1"]);
  expect(disk.instances).toEqual(["sda", "dm-0", "dm-1"]);
  expect(network.instances).toEqual(["eth0"]);
  expect(row(disk, "sda")).toMatchObject({ read: 0, write: 0, utilisation: 0, read_await: Number.NaN });
  expect(mountsOf("kernel-3.10").map((m) => `${m.mountPoint} ${m.type}`)).toEqual(["/ xfs", "/boot xfs"]);
});

it("reads a kernel 4.18 with discards in diskstats", () => {
  const { host, disk, network } = read(samplerOf(join(testdata, "kernel-4.18")), 0);
  expect(row(host)).toMatchObject({ memory_available: 6_802_240 * 1024, swap_total: 0, swap_in: 0, psi_io_some: Number.NaN });
  expect(disk.instances).toEqual(["nvme0n1", "dm-0"]);
  expect(network.instances).toEqual(["ens5"]);
});

it("reads 64 processors behind a long interrupt line", () => {
  const { host, cpu_core: cores } = read(samplerOf(join(testdata, "cores-64")), 0);
  expect(cores.instances).toEqual(Array.from({ length: 64 }, (_, i) => String(i)));
  expect(row(host)).toMatchObject({ processes_running: 17, processes_blocked: 1, load_1: 38.12, threads: 2144 });
});

it("reads a container behind lxcfs", () => {
  const sampler = samplerOf(join(testdata, "lxc"));
  const { host, cpu_core: cores, disk, network } = read(sampler, 0);
  expect(row(host)).toMatchObject({ memory_total: 2 ** 31, memory_available: 1_903_344 * 1024, swap_total: 2 ** 29, uptime: 2100 });
  expect([cores.instances, disk.instances, network.instances]).toEqual([["0", "1"], [], ["eth0"]]);
  expect(mountsOf("lxc").map((m) => `${m.mountPoint} ${m.source}`)).toEqual(["/ rpool/data/subvol-101-disk-0", "/mnt/backup tank/backup"]);
});

it("shows btrfs once a file system and ZFS once a data set", () => {
  expect(mountsOf("btrfs-zfs").map((m) => `${m.mountPoint} ${m.type}`)).toEqual([
    "/ btrfs",
    "/boot/efi vfat",
    "/tank zfs",
    "/tank/media zfs",
    "/tank/vm images zfs",
  ]);
  expect(mountsOf("btrfs-zfs")[4]?.source).toBe("tank/vm images");
});
