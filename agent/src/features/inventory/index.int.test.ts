import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { hostname, tmpdir, totalmem, cpus } from "node:os";
import { dirname, join } from "node:path";
import type { Inventory } from "@devflow/proto/inventory/v1/inventory";
import { afterEach, expect, it } from "vitest";
import { buildInventory } from "./build.ts";
import { createInventory } from "./index.ts";

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0)) clean();
});

/** A folder with files of the given texts, as another machine's root. */
function rootWith(files: Record<string, string>): { root: string; put: (path: string, text: string) => void } {
  const root = mkdtempSync(join(tmpdir(), "devflow-root-"));
  cleanups.push(() => rmSync(root, { recursive: true }));
  const put = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  for (const [path, text] of Object.entries(files)) put(path, text);
  return { root, put };
}

it("tells what this machine is as its own tools do", async () => {
  const inventory = await buildInventory("");
  expect(inventory).toMatchObject({
    hostname: hostname(),
    architecture: process.arch,
    cpuThreads: cpus().length,
    memoryBytes: BigInt(totalmem()),
  });
  expect(inventory.kernel).toBe(execFileSync("uname", ["-r"], { encoding: "utf8" }).trim());
  const rows = execFileSync("df", ["-B1", "--output=size,target", "-l"], { encoding: "utf8" }).trim().split("\n").slice(1);
  const sizes = new Map(rows.map((row) => row.trim().split(/\s+/)).map(([size, target]) => [target, size]));
  expect(inventory.filesystems.length).toBeGreaterThan(0);
  const told = inventory.filesystems.map((fs) => [fs.mountPoint, String(fs.sizeBytes)]);
  expect(told).toEqual(inventory.filesystems.map((fs) => [fs.mountPoint, sizes.get(fs.mountPoint)]));
});

it("names the process behind a listening port, and says when the inventory changed", async () => {
  const script = 'require("net").createServer().listen(0,"127.0.0.1",function(){console.log(this.address().port)})';
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  cleanups.push(() => child.kill());
  const [chunk] = (await once(child.stdout, "data")) as [Buffer];
  const inventory = await buildInventory("");
  const port = inventory.listeningPorts.find((p) => p.port === Number(chunk.toString()));
  expect(port).toMatchObject({ protocol: "tcp", address: "127.0.0.1" });
  expect(port?.process).not.toBe("");
});

it("reads another root and what is missing there stays empty", async () => {
  const { root } = rootWith({
    "etc/os-release": 'PRETTY_NAME="Alpine Linux v3.20"\nID=alpine\nVERSION_ID=3.20.1\n',
    "etc/machine-id": "0123456789abcdef0123456789abcdef\n",
    "sys/class/dmi/id/sys_vendor": "Hetzner\n",
    "sys/class/dmi/id/product_name": "vServer\n",
    "sys/block/sda/size": "2048\n",
    "sys/block/sda/queue/rotational": "1\n",
    "sys/block/sda/device/model": "QEMU HARDDISK\n",
    "sys/block/loop0/size": "9\n",
    "proc/meminfo": "MemTotal: 2048 kB\nSwapTotal: 1024 kB\n",
    "proc/stat": "cpu 1 2 3 4\nbtime 1795168871\n",
    "proc/cpuinfo": "processor : 0\nflags : hypervisor\nphysical id : 0\ncore id : 0\n",
    "run/reboot-required": "",
    "run/openrc/softlevel": "default",
  });
  symlinkSync("/usr/share/zoneinfo/Europe/Berlin", join(root, "etc/localtime"));
  expect(await buildInventory(root)).toMatchObject({
    osName: "Alpine Linux v3.20",
    osId: "alpine",
    osVersion: "3.20.1",
    cloud: "hetzner",
    product: "vServer",
    virtualization: "kvm",
    memoryBytes: 2n ** 21n,
    swapBytes: 2n ** 20n,
    bootTimeS: 1795168871n,
    cpuCores: 1,
    cpuThreads: 1,
    init: "openrc",
    timeZone: "Europe/Berlin",
    rebootRequired: true,
    blockDevices: [{ name: "sda", sizeBytes: 2n ** 20n, model: "QEMU HARDDISK", rotational: true }],
    filesystems: [],
    listeningPorts: [],
    kernel: "",
  });
});

it("says the whole again when a part changed, and nothing while all is the same", async () => {
  const { root, put } = rootWith({ "etc/os-release": "ID=debian\n", "proc/stat": "btime 1000000\n" });
  const seen: Inventory[] = [];
  let wake = (): void => {};
  const inventory = createInventory({ root, checkMs: 20, onChange: (i) => (seen.push(i), wake()) });
  const next = (): Promise<void> => new Promise((resolve) => (wake = resolve));
  const first = next();
  inventory.start();
  await first;
  const second = next();
  put("proc/stat", "btime 1000002\n");
  put("etc/os-release", "ID=ubuntu\n");
  await second;
  const third = next();
  put("etc/os-release", "ID=ubuntu\nVERSION_CODENAME=noble\n");
  put("run/reboot-required", "");
  await third;
  inventory.stop();
  expect(seen.map((i) => [i.osId, i.rebootRequired])).toEqual([
    ["debian", false],
    ["ubuntu", false],
    ["ubuntu", true],
  ]);
});
