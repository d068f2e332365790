import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { hostname, tmpdir, totalmem, cpus } from "node:os";
import { dirname, join } from "node:path";
import type { Inventory } from "@devflow/proto/inventory/v1/inventory";
import { afterEach, expect, it } from "vitest";
import { buildInventory } from "./build.ts";
import type { Details } from "./details.ts";
import { createInventory } from "./index.ts";
import { listenersOf } from "./ports.ts";
import { readDetails } from "./read-details.ts";
import { updatesOf } from "./updates.ts";

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
  const read = (): ReturnType<typeof readDetails> => ({ details: Promise.resolve(null), stop: () => undefined });
  const inventory = createInventory({ root, checkMs: 20, read, onChange: (i) => (seen.push(i), wake()) });
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

it("shows a port that opens at the next look, and builds nothing while ports stay", async () => {
  const row = (port: string): string =>
    `   0: 00000000:${port} 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1\n`;
  const { root, put } = rootWith({ "proc/net/tcp": `sl\n${row("0016")}` });
  const seen: number[][] = [];
  const read = (): ReturnType<typeof readDetails> => ({ details: Promise.resolve(null), stop: () => undefined });
  let listeners = 1;
  let looks = 0;
  const inventory = createInventory({
    root,
    checkMs: 5,
    read,
    mostBusy: 1,
    listeners: () => (looks++, listeners),
    onChange: (i) => seen.push(i.listeningPorts.map((p) => p.port)),
  });
  cleanups.push(() => inventory.stop());
  inventory.start();
  await expect.poll(() => seen).toEqual([[22]]);
  put("proc/net/tcp", `sl\n${row("0016")}${row("01BB")}`);
  const before = looks;
  await expect.poll(() => looks).toBeGreaterThan(before + 3);
  expect(seen).toEqual([[22]]);
  listeners = 2;
  await expect.poll(() => seen, { timeout: 60_000 }).toEqual([[22], [22, 443]]);
}, 60_000);

it("knows how many updates wait while the machine's own count is good", () => {
  const { root, put } = rootWith({ "var/lib/dpkg/status": "", "var/lib/update-notifier/updates-available": "" });
  const count = join(root, "var/lib/update-notifier/updates-available");
  expect(updatesOf(root)).toEqual({});
  put("var/lib/update-notifier/updates-available", "2 updates can be applied immediately.\n");
  expect(updatesOf(root)).toEqual({ updatesPending: 2 });
  expect(updatesOf(root, Date.now() + 8 * 86_400_000)).toEqual({});
  const before = Date.now() / 1000 - 3600;
  utimesSync(count, before, before);
  expect(updatesOf(root)).toEqual({});
  utimesSync(join(root, "var/lib/dpkg/status"), before - 1, before - 1);
  expect(updatesOf(root)).toEqual({ updatesPending: 2 });
  expect(updatesOf("/nowhere")).toEqual({});
});

const told: Details = {
  gpus: [{ vendor: "NVIDIA Corporation", model: "L4", memoryBytes: 24_152_899_584 }],
  memoryModules: [{ slot: "DIMM 0", sizeBytes: 2 ** 35, type: "DDR5", speedMts: 4800 }],
  chassis: "Rack Mount Chassis",
  hasBattery: true,
  base: null,
};

it("adds what the child told, and asks once", async () => {
  const { root } = rootWith({ "etc/os-release": "ID=debian\n" });
  const seen: Inventory[] = [];
  const answers = [told];
  const read = (): ReturnType<typeof readDetails> => ({ details: Promise.resolve(answers.shift() ?? null), stop: () => undefined });
  const inventory = createInventory({ root, checkMs: 5, read, onChange: (i) => seen.push(i) });
  cleanups.push(() => inventory.stop());
  inventory.start();
  await expect.poll(() => seen.length).toBe(2);
  expect(answers).toEqual([]);
  expect(seen[0]).toMatchObject({ gpus: [], chassis: "" });
  expect(seen[1]).toMatchObject({
    gpus: [{ vendor: "NVIDIA Corporation", model: "L4", memoryBytes: 24_152_899_584n }],
    memoryModules: [{ slot: "DIMM 0", sizeBytes: 2n ** 35n, type: "DDR5", speedMts: 4800 }],
    chassis: "Rack Mount Chassis",
    hasBattery: true,
  });
});

it("reads the same base facts through the child as from /proc", { timeout: 60_000 }, async () => {
  const details = await readDetails({ base: true }).details;
  const [own, other] = [await buildInventory(""), await buildInventory("/nowhere", details)];
  expect(other).toMatchObject({ kernel: own.kernel, cpuThreads: own.cpuThreads, memoryBytes: own.memoryBytes, swapBytes: own.swapBytes });
  expect(other.osName).toContain("GNU/Linux");
  expect(Math.abs(Number(other.bootTimeS - own.bootTimeS))).toBeLessThan(5);
  expect(other.blockDevices.map((d) => d.sizeBytes)).toEqual(own.blockDevices.map((d) => d.sizeBytes));
  // On a machine with /proc they are not asked for.
  expect((await readDetails().details)?.base).toBeNull();
});

it("finds all listening ports among very many connections", () => {
  const line = (port: number, state: string): string =>
    `   0: 00000000:${port.toString(16).toUpperCase().padStart(4, "0")} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 1 1`.padEnd(
      149,
    ) + "\n";
  const ports = Array.from({ length: 200 }, (_, i) => i + 1);
  const table = `${"sl".padEnd(149)}\n${ports.map((port) => line(port, "0A")).join("")}${line(9, "01").repeat(5000)}`;
  const { root } = rootWith({
    "proc/net/tcp": table,
    "proc/net/udp": `${"sl".padEnd(127)}\n${line(53, "01").repeat(500)}${line(53, "07")}`,
  });
  const found = listenersOf(root);
  expect(found.filter((l) => l.protocol === "tcp").map((l) => l.port)).toEqual(ports);
  expect(found.filter((l) => l.protocol === "udp").map((l) => l.port)).toEqual([53]);
});

it("goes on after a look that failed", async () => {
  const { root } = rootWith({ "etc/os-release": "ID=debian\n" });
  const errors: unknown[] = [];
  const seen: string[] = [];
  const inventory = createInventory({
    root,
    checkMs: 5,
    read: () => ({ details: Promise.resolve(null), stop: () => undefined }),
    listeners: () => {
      if (errors.length === 0) throw new Error("EIO");
      return 1;
    },
    onError: (error) => errors.push(error),
    onChange: (i) => seen.push(i.osId),
  });
  cleanups.push(() => inventory.stop());
  inventory.start();
  await expect.poll(() => seen).toEqual(["debian"]);
  expect(errors).toEqual([new Error("EIO")]);
});
