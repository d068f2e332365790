import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SwarmIdentity, SwarmTarget } from "./_swarm.ts";

const root = new URL("..", import.meta.url).pathname;

/** A controller in a process of its own, from the bundle that npm start runs, with its embedded database. */
export interface BenchController {
  readonly target: SwarmTarget;
  readonly identities: readonly SwarmIdentity[];
  readonly dataDir: string;
  /** Of the running controller. */
  pid(): number;
  /** CPU time of the controller's Node process so far. */
  cpuSeconds(): number;
  /** CPU time of all processes of its database so far, ended ones left out. */
  databaseCpuSeconds(): number;
  /** Time for which the controller's main thread was ready and waited for a processor: the machine's other work. */
  waitedSeconds(): number;
  rssMb(): number;
  /** Ends it with a signal and starts it again on the same data and port. */
  restart(signal: NodeJS.Signals): Promise<void>;
  stop(): Promise<void>;
}

const tick = 100;
const cpuOf = (pid: number | string): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) / tick;
};

/** A copy with owners and modes, which the database's folder depends on. */
function copyTree(from: string, to: string): void {
  const copied = spawnSync("cp", ["-a", `${from}/.`, to], { encoding: "utf8" });
  if (copied.status !== 0) throw new Error(`copying ${from} failed: ${copied.stderr}`);
}

/** Enrols so many agents on a fresh installation and starts the controller. */
export async function startBenchController(agents: number): Promise<BenchController> {
  const built = spawnSync(process.execPath, [join(root, "scripts/build.ts"), "controller"], { cwd: root, encoding: "utf8" });
  if (built.status !== 0) throw new Error(`building the controller failed:\n${built.stdout}${built.stderr}`);
  const dataDir = mkdtempSync(join(tmpdir(), "devflow-bench-"));
  const out = join(dataDir, "swarm.json");
  // Enrolling 10,000 takes minutes: with this folder set, it is done once for each number of agents.
  const kept = process.env["DEVFLOW_BENCH_FLEETS"] === undefined ? null : join(process.env["DEVFLOW_BENCH_FLEETS"], `fleet-${agents}`);
  if (kept !== null && existsSync(kept)) copyTree(kept, dataDir);
  else {
    const enrolled = spawnSync(process.execPath, [new URL("_enrol.ts", import.meta.url).pathname, dataDir, String(agents), out], {
      encoding: "utf8",
    });
    if (enrolled.status !== 0) throw new Error(`enrolling failed:\n${enrolled.stdout}${enrolled.stderr}`);
    if (kept !== null) {
      mkdirSync(kept, { recursive: true });
      copyTree(dataDir, kept);
    }
  }
  const { identities, caPem, gatewayName } = JSON.parse(readFileSync(out, "utf8")) as {
    identities: SwarmIdentity[];
    caPem: string;
    gatewayName: string;
  };

  let child: ChildProcess;
  let port = 0;
  const start = async (): Promise<void> => {
    child = spawn(
      process.execPath,
      [...(process.env["DEVFLOW_BENCH_NODE_FLAGS"]?.split(" ") ?? []), join(root, "dist/controller/main.js")],
      {
        env: {
          PATH: process.env["PATH"],
          DEVFLOW_DATA_DIR: dataDir,
          DEVFLOW_PORT: "0",
          DEVFLOW_ENROL_PORT: "0",
          DEVFLOW_GATEWAY_HOST: "127.0.0.1",
          DEVFLOW_GATEWAY_PORT: String(port),
          DEVFLOW_LOCAL_AGENT: "off",
          DEVFLOW_LOG_LEVEL: "info",
        },
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    port = await new Promise<number>((resolve, reject) => {
      let text = "";
      child.stdout?.on("data", (chunk: Buffer) => {
        text += chunk.toString();
        const line = text.split("\n").find((l) => l.includes('"msg":"listening"'));
        if (line !== undefined) resolve((JSON.parse(line) as { gateway: number }).gateway);
        if (text.length > 100_000) text = "";
        if (chunk.includes('"level":50')) process.stderr.write(chunk);
      });
      child.once("exit", (code) => reject(new Error(`the controller left with ${code}: ${text}`)));
    });
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    await gone;
  };
  await start();
  return {
    get target() {
      return { port, caPem, gatewayName };
    },
    identities,
    dataDir,
    pid: () => child.pid as number,
    cpuSeconds: () => cpuOf(child.pid as number),
    databaseCpuSeconds() {
      const postmaster = readFileSync(join(dataDir, "postgresql/data/postmaster.pid"), "utf8").split("\n")[0] as string;
      const backends = readFileSync(`/proc/${postmaster}/task/${postmaster}/children`, "utf8").trim().split(" ").filter(Boolean);
      return [postmaster, ...backends].reduce((sum, pid) => sum + cpuOf(pid), 0);
    },
    waitedSeconds: () => Number(readFileSync(`/proc/${child.pid}/schedstat`, "utf8").split(" ")[1]) / 1e9,
    rssMb: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1]) / 1024,
    async restart(signal) {
      await end(signal);
      await start();
    },
    async stop() {
      await end("SIGTERM");
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
