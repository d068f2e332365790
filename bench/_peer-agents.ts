import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { inflateSync } from "node:zlib";

/** Another monitoring agent of this machine, running and being asked each second. */
export interface PeerAgent {
  readonly name: string;
  readonly pid: number;
  /** Values that came so far: a peer that sends nothing was not measured. */
  readonly values: () => number;
  stop(): void;
}

/** A free port of loopback below 32768, since Zabbix takes no higher one. */
const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const port = 15_000 + Math.floor(Math.random() * 17_000);
    const server = createServer();
    server.on("error", () => resolve(freePort()));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(port)));
  });

/** prometheus-node-exporter with Debian's defaults, scraped each second over one connection; null when not installed. */
async function startNodeExporter(): Promise<PeerAgent | null> {
  if (!existsSync("/usr/bin/prometheus-node-exporter")) return null;
  const port = await freePort();
  const child = spawn("/usr/bin/prometheus-node-exporter", [`--web.listen-address=127.0.0.1:${port}`], { stdio: "ignore" });
  let values = 0;
  const timer = setInterval(() => {
    get({ host: "127.0.0.1", port, path: "/metrics", headers: { "accept-encoding": "gzip" } }, (response) => {
      if (response.statusCode === 200) values++;
      response.resume();
    }).on("error", () => undefined); // not listening yet
  }, 1000);
  return peer(
    "prometheus-node-exporter",
    child,
    () => values,
    () => clearInterval(timer),
  );
}

/** What zabbix-agent2 is told to send each second: about what a DevFlow agent reads. */
const zabbixKeys = [
  ...["user", "nice", "system", "idle", "iowait", "interrupt", "softirq", "steal"].map((mode) => `system.cpu.util[,${mode}]`),
  ...["avg1", "avg5", "avg15"].map((period) => `system.cpu.load[all,${period}]`),
  ...["total", "available", "cached", "buffers"].map((kind) => `vm.memory.size[${kind}]`),
  ...["total", "free"].map((kind) => `system.swap.size[,${kind}]`),
  ...["total", "used", "free"].map((kind) => `vfs.fs.size[/,${kind}]`),
  ...["total", "used"].map((kind) => `vfs.fs.inode[/,${kind}]`),
  ...["bytes", "packets", "errors", "dropped"].flatMap((kind) => [`net.if.in[eth0,${kind}]`, `net.if.out[eth0,${kind}]`]),
  ...["sectors", "operations"].flatMap((kind) => [`vfs.dev.read[,${kind}]`, `vfs.dev.write[,${kind}]`]),
  "system.cpu.switches",
  "system.uptime",
  "proc.num",
  "kernel.openfiles",
];

/** Flag of the Zabbix protocol: the body is a zlib stream. */
const COMPRESSED = 2;

const frame = (value: unknown): Buffer => {
  const body = Buffer.from(JSON.stringify(value));
  const head = Buffer.alloc(13);
  head.write("ZBXD\u0001", "latin1");
  head.writeUInt32LE(body.length, 5);
  return Buffer.concat([head, body]);
};

/** A Zabbix server as far as active checks need one: hands out the list, takes the values. */
function zabbixServer(onValues: (count: number) => void): Server {
  const data = zabbixKeys.map((key, i) => ({ key, key_orig: key, itemid: i + 1, delay: "1s", lastlogsize: 0, mtime: 0 }));
  return createServer((socket: Socket) => {
    let seen = Buffer.alloc(0);
    socket.on("error", () => undefined); // the agent may leave at any time
    socket.on("data", (chunk) => {
      seen = Buffer.concat([seen, chunk]);
      if (seen.length < 13 || seen.length < 13 + seen.readUInt32LE(5)) return;
      const body = seen.subarray(13);
      const text = (seen.readUInt8(4) & COMPRESSED ? inflateSync(body) : body).toString("utf8");
      const request = JSON.parse(text) as { request: string; data?: unknown[] };
      if (request.request === "agent data") onValues(request.data?.length ?? 0);
      socket.end(frame(request.request === "active checks" ? { response: "success", data } : { response: "success", info: "processed" }));
    });
  });
}

/** zabbix-agent2 with active checks each second; null when not installed. */
async function startZabbix(folder: string): Promise<PeerAgent | null> {
  if (!existsSync("/usr/sbin/zabbix_agent2")) return null;
  let values = 0;
  const server = zabbixServer((count) => (values += count));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const config = join(folder, "zabbix_agent2.conf");
  const settings = {
    LogType: "file",
    LogFile: join(folder, "zabbix.log"),
    PidFile: join(folder, "zabbix.pid"),
    ControlSocket: join(folder, "zabbix.sock"),
    PluginSocket: join(folder, "zabbix-plugin.sock"),
    ServerActive: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    ListenPort: await freePort(),
    ListenIP: "127.0.0.1",
    Hostname: "bench",
  };
  writeFileSync(
    config,
    Object.entries(settings)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(""),
  );
  const child = spawn("/usr/sbin/zabbix_agent2", ["-c", config, "-f"], { stdio: "ignore" });
  return peer(
    "zabbix-agent2",
    child,
    () => values,
    () => server.close(),
  );
}

function peer(name: string, child: ChildProcess, values: () => number, end: () => void): PeerAgent | null {
  if (child.pid === undefined) return null;
  return {
    name,
    pid: child.pid,
    values,
    stop() {
      end();
      child.kill("SIGTERM");
    },
  };
}

/** Starts the peers that are installed. */
export async function startPeerAgents(folder: string): Promise<PeerAgent[]> {
  const peers = [await startNodeExporter(), await startZabbix(folder)];
  return peers.filter((p) => p !== null);
}
