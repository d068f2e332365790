import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { childrenOf } from "./proc.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** The whole of DevFlow as a user starts it. */
export interface DevFlowProcess {
  /** Origin of the web pages. */
  readonly url: string;
  readonly ports: { readonly web: number; readonly gateway: number; readonly enrol: number };
  readonly dataDir: string;
  /** The Node process of the controller. */
  readonly pid: number;
  /** The one-time link that makes the administrator; null when there is one already. */
  readonly setupUrl: string | null;
  /** All that it printed so far. */
  output(): string;
  /** SIGTERM to npm, as a service manager or Ctrl-C does. Resolves with the exit code; null when it had to be killed. */
  stop(): Promise<number | null>;
}

export interface StartOptions {
  /** Settings on top of ports and data directory. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default: a fresh folder, removed by stop(). */
  readonly dataDir?: string;
  /** Default 120 s: it may have to build first. */
  readonly timeoutMs?: number;
}

/** `count` free TCP ports of this machine, held together so that they differ. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
          const server = createServer();
          server.once("error", reject);
          server.listen(0, "127.0.0.1", () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** Settings of the shell that started the tests would change what is tested. */
function cleanEnvironment(): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(DEVFLOW_|DATABASE_|VITEST|NODE_ENV$)/.test(name)));
}

/** Runs `npm start` and waits until it serves. Throws Error with its output when it ends or takes too long. */
export async function startDevFlow(options: StartOptions = {}): Promise<DevFlowProcess> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), "devflow-run-")));
  const [web = 0, gateway = 0, enrol = 0] = await freePorts(3);
  const env = {
    ...cleanEnvironment(),
    DEVFLOW_DATA_DIR: dataDir,
    DEVFLOW_PORT: String(web),
    DEVFLOW_GATEWAY_PORT: String(gateway),
    DEVFLOW_ENROL_PORT: String(enrol),
    ...options.env,
  };
  const child = spawn("npm", ["start"], { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (printed += chunk.toString()));

  const stop = async (): Promise<number | null> => {
    const code = await end(child);
    if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true });
    return code;
  };
  const url = `http://127.0.0.1:${web}`;
  const deadline = Date.now() + (options.timeoutMs ?? 120_000);
  while (!(await answers(`${url}/healthz`)) || !printed.includes("DevFlow is running at")) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await stop();
      throw new Error(`npm start ${child.exitCode === null ? "did not serve in time" : `ended with ${child.exitCode}`}:\n${printed}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return {
    url,
    ports: { web, gateway, enrol },
    dataDir,
    pid: (await childrenOf(child.pid ?? 0))[0] ?? child.pid ?? 0,
    setupUrl: /http\S+\/setup\S*/.exec(printed)?.[0] ?? null,
    output: () => printed,
    stop,
  };
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false; // not listening yet
  }
}

async function end(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null) return child.exitCode;
  const ended = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
  const descendants = await childrenOf(child.pid ?? 0);
  child.kill("SIGTERM");
  const timer = setTimeout(() => {
    for (const pid of descendants) process.kill(pid, "SIGKILL");
    child.kill("SIGKILL");
  }, 20_000);
  const code = await ended;
  clearTimeout(timer);
  return code;
}
