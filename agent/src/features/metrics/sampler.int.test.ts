import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, fsyncSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { columnsOf, familyById, readCells } from "@devflow/catalogue";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createMetricSource } from "./index.ts";
import type { Probe, Sample } from "./probe.ts";
import { LoadProbe } from "./probes/load.ts";
import { Sampler } from "./sampler.ts";
import type { Table } from "./table.ts";

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0).reverse()) clean();
});

/** Natural values of a row by measure; NaN for "not measured". */
function row(table: Table, instance = ""): Record<string, number> {
  const at = table.instances.indexOf(instance);
  if (at === -1) throw new Error(`no row ${instance} among ${table.instances.join(", ")}`);
  return Object.fromEntries(table.family.measures.map((m, i) => [m.name, (table.cells[at * table.width + i] as number) * m.step]));
}

function reader(root: string): (nowMs: number) => Sample {
  const sampler = new Sampler(root);
  cleanups.push(() => sampler.close());
  return (nowMs) => {
    const sample = sampler.read(nowMs);
    if (!sample) throw new Error("nothing was read");
    return sample;
  };
}

describe("another root", () => {
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
  const NET = "Inter-| Receive\n face |bytes\n";
  const snmp = (retransmitted: number): string => `Ip: A\nIp: 1\nTcp: CurrEstab RetransSegs\nTcp: 7 ${retransmitted}\n`;
  const disk = (name: string, n: number): string => `   8 0 ${name} ${n} 0 ${n * 8} ${n} ${n} 0 ${n * 8} ${n} 0 ${n} ${n}\n`;

  it("measures levels at once, rates from the second reading on, and never a spike at a reset", () => {
    const { root, put } = rootWith({
      "proc/stat": "cpu  100 0 100 800 0 0 0 0\ncpu0 100 0 100 800 0 0 0 0\nctxt 1000\nprocesses 50\nprocs_running 2\nprocs_blocked 1\n",
      "proc/meminfo": "MemTotal: 1000 kB\nMemAvailable: 600 kB\nSwapTotal: 100 kB\nSwapFree: 60 kB\n",
      "proc/vmstat": "x 1\npswpin 10\npswpout 20\n",
      "proc/loadavg": "1.5 1 0.5 2/345 999\n",
      "proc/uptime": "3600.25 100.0\n",
      "proc/sys/fs/file-nr": "718 0 922337\n",
      "proc/pressure/cpu": "some avg10=0.00 total=1000\n",
      "proc/net/dev": `${NET}eth0:1000 10 0 0 0 0 0 0 500 5 0 0 0 0 0 0\n`,
      "proc/net/snmp": snmp(100),
      "proc/diskstats": disk("sda", 100),
      "proc/12/comm": "init",
      "proc/345/comm": "sh",
    });
    const read = reader(root);
    const first = read(0);
    expect(row(first.host)).toMatchObject({
      cpu_busy: NaN,
      context_switches: NaN,
      swap_in: NaN,
      psi_cpu_some: NaN,
      tcp_retransmits: NaN,
      load_1: 1.5,
      threads: 345,
      uptime: 3600,
      open_files: 718,
      processes: 2,
      processes_running: 2,
      processes_blocked: 1,
      memory_total: 1000 * 1024,
      memory_used: 400 * 1024,
      swap_used: 40 * 1024,
      tcp_established: 7,
      psi_io_some: NaN,
    });
    expect(row(first.disk, "sda")["read_ops"]).toBeNaN();

    put("proc/stat", "cpu  150 0 150 900 0 0 0 0\ncpu0 150 0 150 900 0 0 0 0\nctxt 3000\nprocesses 60\nprocs_running 2\nprocs_blocked 1\n");
    put("proc/vmstat", "x 1\npswpin 20\npswpout 20\n");
    put("proc/pressure/cpu", "some avg10=0.00 total=501000\n");
    put("proc/net/dev", `${NET}eth0:3048 30 0 0 0 0 0 0 500 5 0 0 0 0 0 0\nwg0: 9 9 0 0 0 0 0 0 9 9 0 0 0 0 0 0\n`);
    put("proc/net/snmp", snmp(104));
    put("proc/diskstats", disk("sda", 200) + disk("sdb", 1e6));
    const second = read(2000);
    expect(row(second.host)).toMatchObject({
      cpu_busy: 50,
      cpu_user: 25,
      cpu_system: 25,
      cpu_iowait: 0,
      context_switches: 1000,
      forks: 5,
      swap_out: 0,
      psi_cpu_some: 25,
      tcp_retransmits: 2,
    });
    expect(row(second.host)["swap_in"]).toBeCloseTo(20480, -3);
    expect(row(second.cpu_core, "0")).toMatchObject({ busy: 50, user: 25, system: 25 });
    expect(row(second.network, "eth0")).toMatchObject({ receive: 1024, receive_packets: 10, transmit: 0 });
    expect(row(second.network, "wg0")["receive"]).toBeNaN();
    expect(row(second.disk, "sda")).toMatchObject({ read_ops: 50, read_await: 1, utilisation: 5 });
    expect(row(second.disk, "sdb")["read_ops"]).toBeNaN();

    put("proc/stat", "cpu  1 0 1 9 0 0 0 0\ncpu0 1 0 1 9 0 0 0 0\nctxt 3\nprocesses 6\nprocs_running 2\nprocs_blocked 1\n");
    put("proc/net/dev", `${NET}eth0:10 1 0 0 0 0 0 0 5 1 0 0 0 0 0 0\n`);
    put("proc/net/snmp", snmp(0));
    put("proc/diskstats", disk("sdb", 5));
    const third = read(3000);
    expect(row(third.host)).toMatchObject({ cpu_busy: NaN, context_switches: NaN, forks: NaN, tcp_retransmits: NaN, psi_cpu_some: 0 });
    expect(row(third.network, "eth0")).toMatchObject({ receive: NaN, transmit: NaN });
    expect(third.network.instances).toEqual(["eth0"]);
    expect(Object.values(row(third.disk, "sdb")).every(Number.isNaN)).toBe(true);

    // A pause longer than half a minute starts anew, a reading right after another is none.
    expect(row(read(60_000).host)["context_switches"]).toBeNaN();
    expect(new Sampler(root).read(60_001)).not.toBeNull();
    expect(() => read(60_001)).toThrow("nothing was read");
  });

  it("has a row of nothing where there is nothing to read", () => {
    const { root } = rootWith({ "proc/uptime": "5.0 1.0\n" });
    const read = reader(root);
    read(0);
    const sample = read(1000);
    const { uptime, processes, ...rest } = row(sample.host);
    expect([uptime, processes]).toEqual([5, 0]);
    expect(Object.values(rest).filter((value) => !Number.isNaN(value))).toEqual([]);
    expect(sample.tables.slice(1).map((t) => t.instances.length)).toEqual([0, 0, 0, 0]);
  });

  it("loses only what a broken probe reads, and says what it met", () => {
    const { root } = rootWith({ "proc/uptime": "5.0 1.0\n" });
    const broken = (): Probe => ({
      read() {
        throw new Error("EIO");
      },
      close: () => undefined,
    });
    const sampler = new Sampler(root, [broken, (r) => new LoadProbe(r)]);
    cleanups.push(() => sampler.close());
    expect(row((sampler.read(0) as Sample).host)["uptime"]).toBe(5);
    expect([sampler.takeFailure(), sampler.takeFailure()]).toEqual([new Error("EIO"), null]);
  });

  it("walks the sockets again when a counter shows that one came, and a minute later in any case", () => {
    const sockets = (state: string, count: number): string =>
      `${"sl".padEnd(149)}\n${`   0: 0100007F:0016 0100007F:C001 ${state}`.padEnd(149).concat("\n").repeat(count)}`;
    const sockstat = (inUse: number): string => `TCP: inuse ${inUse} orphan 0 tw 0 alloc 7 mem 1\n`;
    const { root, put } = rootWith({ "proc/net/tcp": sockets("0A", 1), "proc/net/snmp": snmp(5), "proc/net/sockstat": sockstat(1) });
    const read = reader(root);
    let second = 0;
    const after = (seconds: number): (number | undefined)[] => {
      for (const end = second + seconds - 1; second < end; second++) read(second * 1000);
      const host = row(read(second++ * 1000).host);
      return [host["tcp_listen"], host["tcp_close_wait"]];
    };
    expect(after(1)).toEqual([1, 0]);
    put("proc/net/tcp", sockets("0A", 2));
    put("proc/net/sockstat", sockstat(2));
    expect(after(61)).toEqual([2, 0]);
    put("proc/net/tcp", sockets("08", 3)); // a change that no counter tells
    expect(after(61)).toEqual([0, 3]);
  });

  it("reads tables that span many pages", () => {
    const sockets = Array.from(
      { length: 500 },
      (_, i) => `${`${i}: 0100007F:0016 0100007F:C001 08`.padStart(34 + i.toString().length).padEnd(149)}\n`,
    );
    const devices = Array.from({ length: 140 }, (_, i) => `eth${i}: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0`);
    const { root } = rootWith({
      "proc/net/tcp": `${"sl".padEnd(149)}\n${sockets.join("")}`,
      "proc/net/dev": `${NET}${devices.join("\n")}\n`,
    });
    const sample = reader(root)(0);
    expect(row(sample.host)["tcp_close_wait"]).toBe(500);
    expect(sample.network.instances).toHaveLength(128);
  });
});

describe("this machine", () => {
  const statLine = (): number[] => (/^cpu +(.*)$/m.exec(readFileSync("/proc/stat", "utf8"))?.[1] ?? "").split(" ").map(Number);
  const diskWritten = (name: string): number =>
    Number(
      readFileSync("/proc/diskstats", "utf8")
        .split("\n")
        .map((l) => l.trim().split(/ +/))
        .find((p) => p[2] === name)?.[9],
    ) * 512;

  it("measures a known CPU load and a known write as /proc tells them independently", { timeout: 60_000 }, async () => {
    const read = reader("");
    const busy = spawn(process.execPath, ["-e", "for (;;);"], { stdio: "ignore" });
    cleanups.push(() => busy.kill("SIGKILL"));
    await sleep(300);
    const disks = [...read(performance.now()).disk.instances];
    const startedMs = performance.now();
    const cpuBefore = statLine();
    const before = new Map(disks.map((name) => [name, diskWritten(name)]));
    read(startedMs + 250);

    const file = join(mkdtempSync(join(tmpdir(), "devflow-write-")), "file");
    cleanups.push(() => rmSync(dirname(file), { recursive: true }));
    const fd = openSync(file, "w");
    const chunk = Buffer.alloc(2 ** 20, "x");
    for (let i = 0; i < 24; i++) writeSync(fd, chunk);
    fsyncSync(fd);
    closeSync(fd);
    await sleep(2000);

    const elapsedMs = performance.now() - startedMs;
    const cpuAfter = statLine();
    const sample = read(startedMs + 250 + elapsedMs);
    const ticks = cpuAfter.map((n, i) => n - (cpuBefore[i] as number)).slice(0, 8);
    const total = ticks.reduce((a, b) => a + b, 0);
    const busyPercent = (100 * (total - (ticks[3] as number) - (ticks[4] as number))) / total;
    const host = row(sample.host);
    expect(Math.abs((host["cpu_busy"] as number) - busyPercent)).toBeLessThan(3);
    // One core at least is kept busy, in user mode.
    const cores = readFileSync("/proc/stat", "utf8").match(/^cpu\d/gm)?.length ?? 1;
    expect(host["cpu_user"]).toBeGreaterThan(60 / cores);

    for (const name of disks) {
      const expected = diskWritten(name) - (before.get(name) as number);
      const measured = ((row(sample.disk, name)["write"] as number) * elapsedMs) / 1000;
      expect(Math.abs(measured - expected)).toBeLessThan(Math.max(2 ** 21, expected * 0.1));
    }
  });

  it("agrees with df and free", async () => {
    const read = reader("");
    read(0);
    await expect.poll(() => read((now += 1000)).filesystem.instances.length).toBeGreaterThan(0);
    const sample = read((now += 1000));
    const host = row(sample.host);
    const free = execFileSync("free", ["-b"], { encoding: "utf8" })
      .split("\n")
      .map((line) => line.split(/\s+/));
    const [, total, , , , , available] = free[1] as string[];
    expect(host["memory_total"]).toBe(Number(total));
    expect(Math.abs((host["memory_available"] as number) - Number(available))).toBeLessThan(0.05 * Number(total));
    expect(host["swap_total"]).toBe(Number(free[2]?.[1]));
    for (const mount of sample.filesystem.instances) {
      const [size, used, avail, itotal, iused] = (
        execFileSync("df", ["-B1", "--output=size,used,avail,itotal,iused", mount], { encoding: "utf8" }).split("\n")[1] as string
      )
        .trim()
        .split(/\s+/)
        .map(Number) as [number, number, number, number, number];
      const measured = row(sample.filesystem, mount);
      expect(measured["total"]).toBe(size);
      expect(Math.abs((measured["used"] as number) - used)).toBeLessThan(2 ** 28);
      expect(Math.abs((measured["available"] as number) - avail)).toBeLessThan(2 ** 28);
      expect(measured["inodes_total"]).toBe(itotal > 0 ? itotal : Number.NaN);
      expect(Math.abs((measured["inodes_used"] || 0) - iused)).toBeLessThan(50_000);
    }
  });
  let now = 1000;

  /** A walk over the tables of a busy machine takes several readings. */
  function afterWalk(): Record<string, number> {
    const read = reader("");
    for (let second = 0; second < 1000; second++) {
      const host = row(read(second * 1000).host);
      if (!Number.isNaN(host["tcp_listen"])) return host;
    }
    throw new Error("the walk over /proc/net/tcp did not end");
  }

  it("counts TCP connections by state", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const accepted: Socket[] = [];
    server.on("connection", (socket) => accepted.push(socket.on("error", () => undefined)));
    const clients = Array.from({ length: 20 }, () => connect((server.address() as AddressInfo).port, "127.0.0.1"));
    cleanups.push(() => {
      for (const socket of [...clients, ...accepted]) socket.destroy();
      server.close();
    });
    await Promise.all(clients.map((client) => once(client, "connect")));
    await expect.poll(() => accepted.length).toBe(20);
    const established = () =>
      ["tcp", "tcp6"].flatMap((table) => readFileSync(`/proc/net/${table}`, "utf8").match(/^ +\d+: \S+ \S+ 01 /gm) ?? []).length;
    // Others' connections come and go meanwhile: what was walked lies between two counts of a quiet moment.
    await vi.waitFor(
      () => {
        const before = established();
        const walked = afterWalk();
        const after = established();
        expect(before).toBeGreaterThanOrEqual(40); // both ends are on this machine
        expect(walked["tcp_listen"]).toBeGreaterThan(0);
        expect(walked["tcp_established"]).toBeGreaterThanOrEqual(Math.min(before, after) - 5);
        expect(walked["tcp_established"]).toBeLessThanOrEqual(Math.max(before, after) + 5);
      },
      { timeout: 30_000, interval: 500 },
    );
  });

  it("gives the recorder rows that the wire can carry", async () => {
    const source = createMetricSource();
    await source.sample();
    await sleep(250);
    await source.sample();
    const { samples, families } = source.takeInterval();
    expect(samples).toBe(2);
    for (const rows of [...families, ...(source.latest()?.encode() ?? [])]) {
      const family = familyById(rows.family);
      if (!family) throw new Error(`unknown family ${rows.family}`);
      const out = new Float64Array(rows.instances.length * columnsOf(family).length);
      expect(readCells(rows.cells, out)).toBe(out.length);
      expect(out.every((cell) => Number.isNaN(cell) || (Number.isInteger(cell) && cell >= 0))).toBe(true);
    }
    expect(families.map((f) => f.family)).toEqual(expect.arrayContaining([1, 2]));
  });
});
