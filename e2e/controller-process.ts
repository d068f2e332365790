import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { apiClient, type ApiClient, freePorts } from "@devflow/testkit";
import { createClient, type DatabaseTarget, type Sql } from "../controller/src/platform/db/index.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const token = "an-api-token-for-the-tests-of-faults-0123456789";

/** What an agent holds after enrolment. */
export interface EnrolledIdentity {
  readonly agentId: string;
  readonly keyPem: string;
  readonly certificatePem: string;
}

/** A controller from the bundle that `npm start` runs, in a process of its own that may be killed and started again. */
export interface ControllerProcess {
  readonly url: string;
  readonly gatewayPort: number;
  readonly enrolPort: number;
  readonly dataDir: string;
  readonly identities: readonly EnrolledIdentity[];
  readonly expired: readonly EnrolledIdentity[];
  /** Enrols more; while it is stopped. */
  enrol(count: number): Promise<EnrolledIdentity[]>;
  /** `devflow admin …`; while it is stopped. Resolves with what it printed. */
  admin(...args: string[]): Promise<string>;
  readonly caPem: string;
  readonly gatewayName: string;
  readonly api: ApiClient;
  /** Of the API token. */
  readonly token: string;
  pid(): number;
  /** What it logged and printed since its last start. */
  output(): string;
  /** Ends it with a signal; resolves when it is gone. */
  end(signal: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same data and ports. */
  start(): Promise<void>;
  /** A connection of the test's own to its database. */
  sql(): Promise<Sql>;
  stop(): Promise<void>;
}

/**
 * Enrols agents on a fresh installation and starts the controller.
 * @param options.expired so many more, whose certificates ended an hour ago
 * @param options.beside another controller on the same database (options.env), whose key for tasks it gets; enrols nobody
 * @param options.env settings on top; with DATABASE_URL that database is used instead of the embedded one
 */
export async function startController(
  options: { agents?: number; expired?: number; beside?: ControllerProcess; env?: Record<string, string> } = {},
): Promise<ControllerProcess> {
  const { agents = 0, expired = 0, beside, env: extra = {} } = options;
  const dataDir = await mkdtemp(join(tmpdir(), "devflow-faults-"));
  const base = { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "", ...extra };
  const out = join(dataDir, "enrolled.json");
  // Straight into the database: the enrolment port takes 60 a minute from one address.
  const enrolAgents = async (count: number, env: Record<string, string> = {}) => {
    await run(process.execPath, [join(root, "bench/_enrol.ts"), dataDir, String(count), out], { ...base, ...env });
    return JSON.parse(await readFile(out, "utf8")) as { identities: EnrolledIdentity[]; caPem: string; gatewayName: string };
  };
  if (beside !== undefined) await cp(join(beside.dataDir, "keys"), join(dataDir, "keys"), { recursive: true });
  const enrolled = beside ?? (await enrolAgents(agents));
  const expiredIdentities =
    expired === 0 ? [] : (await enrolAgents(expired, { DEVFLOW_BENCH_CERTIFICATES_END_IN_MS: String(-3_600_000) })).identities;
  const [web = 0, gateway = 0, enrol = 0] = await freePorts(3);
  const url = `http://127.0.0.1:${web}`;
  let child: ChildProcess | null = null;
  let printed = "";

  const start = async (): Promise<void> => {
    printed = "";
    const started = spawn(process.execPath, [join(root, "dist/controller/main.js")], {
      env: {
        ...base,
        DEVFLOW_DATA_DIR: dataDir,
        DEVFLOW_PORT: String(web),
        DEVFLOW_GATEWAY_HOST: "127.0.0.1",
        DEVFLOW_GATEWAY_PORT: String(gateway),
        DEVFLOW_ENROL_PORT: String(enrol),
        DEVFLOW_LOCAL_AGENT: "off",
        DEVFLOW_BOOTSTRAP_TOKEN: token,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    child = started;
    for (const stream of [started.stdout, started.stderr]) stream?.on("data", (chunk: Buffer) => (printed += chunk.toString()));
    while (!printed.includes('"msg":"listening"')) {
      if (started.exitCode !== null || started.signalCode !== null) throw new Error(`the controller ended:\n${printed}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill(signal);
    await gone;
  };
  await start();
  return {
    url,
    gatewayPort: gateway,
    enrolPort: enrol,
    dataDir,
    identities: enrolled.identities,
    caPem: enrolled.caPem,
    gatewayName: enrolled.gatewayName,
    expired: expiredIdentities,
    enrol: async (count) => (await enrolAgents(count)).identities,
    admin: (...args) =>
      run(process.execPath, [join(root, "dist/controller/main.js"), "admin", ...args], { ...base, DEVFLOW_DATA_DIR: dataDir }),
    api: apiClient(url, token),
    token,
    pid: () => child?.pid ?? 0,
    output: () => printed,
    end,
    start,
    async sql() {
      const target: DatabaseTarget =
        extra["DATABASE_URL"] === undefined
          ? { socketFolder: (await postmasterPid(dataDir)).socketFolder, database: "devflow" }
          : { url: extra["DATABASE_URL"] };
      return createClient(target, { max: 1 });
    },
    async stop() {
      await end("SIGTERM");
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** The embedded server of a data folder, by its postmaster.pid. */
export async function postmasterPid(dataDir: string): Promise<{ pid: number; socketFolder: string }> {
  const lines = (await readFile(join(dataDir, "postgresql/data/postmaster.pid"), "utf8")).split("\n");
  return { pid: Number(lines[0]), socketFolder: lines[4] ?? "" };
}

/** Runs a program to its end; throws Error with its output when it fails. */
async function run(command: string, args: readonly string[], env: Record<string, string>): Promise<string> {
  const child = spawn(command, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (printed += chunk.toString()));
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${code}:\n${printed}`);
  return printed;
}
