import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

const root = new URL("..", import.meta.url).pathname;

export interface Running {
  readonly url: string;
  readonly child: ChildProcess;
}

/**
 * A controller from the bundle, pinned to one core, without limits of requests; its token is an owner's. With
 * DEVFLOW_BENCH_PROFILE=FOLDER it leaves a CPU profile there when it ends.
 */
export async function startWebController(dataDir: string, token: string, core: string): Promise<Running> {
  const profileDir = process.env["DEVFLOW_BENCH_PROFILE"];
  const profile = profileDir === undefined ? [] : ["--cpu-prof", "--cpu-prof-dir", profileDir];
  const child = spawn("taskset", ["-c", core, process.execPath, ...profile, join(root, "dist/controller/main.js")], {
    env: {
      PATH: process.env["PATH"],
      DEVFLOW_DATA_DIR: dataDir,
      DEVFLOW_PORT: "0",
      DEVFLOW_GATEWAY_PORT: "0",
      DEVFLOW_ENROL_PORT: "0",
      DEVFLOW_LOCAL_AGENT: "off",
      DEVFLOW_BOOTSTRAP_TOKEN: token,
      DEVFLOW_RATE_LIMIT: "100000000",
      DEVFLOW_RATE_LIMIT_ANONYMOUS: "0",
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  return { url: `http://127.0.0.1:${await firstMatch(child, /"web":(\d+)/)}`, child };
}

/** First group of what the child prints. Throws Error when it ends before. */
export function firstMatch(child: ChildProcess, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    child.stdout!.on("data", (chunk: Buffer) => {
      text = (text + chunk.toString()).slice(-20_000);
      const found = pattern.exec(text);
      if (found !== null) resolve(found[1]!);
    });
    child.once("exit", (code) => reject(new Error(`it left with ${code}: ${text}`)));
  });
}

export async function endRunning(running: Running | undefined): Promise<void> {
  if (running === undefined || running.child.exitCode !== null) return;
  const gone = once(running.child, "exit");
  running.child.kill("SIGTERM");
  await gone;
}

const postmasterFile = async (dataDir: string): Promise<string[]> =>
  (await readFile(join(dataDir, "postgresql/data/postmaster.pid"), "utf8")).split("\n");

/** Where the embedded server listens: the fifth line of its file. */
export const socketFolderOf = async (dataDir: string): Promise<string> => (await postmasterFile(dataDir))[4]!;

/** The embedded server's first process. */
export const postmasterOf = async (dataDir: string): Promise<number> => Number((await postmasterFile(dataDir))[0]);
