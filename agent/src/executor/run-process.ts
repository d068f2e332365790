import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { AppError } from "@devflow/errors";
import type { RunProcess } from "./journal-record.ts";

/** What is to be started. */
export interface ProcessOptions {
  /** UUID of the run: marks everything that it starts. */
  readonly runId: string;
  /** Program (absolute, or looked for in a fixed PATH) and arguments; no shell reads them. */
  readonly argv: readonly [string, ...string[]];
  /** Nothing of the executor's own environment goes along. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default "/". */
  readonly cwd?: string;
  /** Whom it runs as; null (default): as the executor. */
  readonly user?: { readonly uid: number; readonly gid: number } | null;
  /** Folder in which runs get cgroups of their own; null (default): a process group has to do. */
  readonly cgroupRoot?: string | null;
}

export interface StartedProcess {
  /** What the journal has to know before `go`. */
  readonly process: RunProcess;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Lets the program begin; until then nothing of it has run. */
  go(): void;
  /** Once it has ended and its output is read. A signal's name when one ended it. */
  readonly ended: Promise<{ readonly exitCode: number | null; readonly signal: NodeJS.Signals | null }>;
  /** SIGTERM to all of it, SIGKILL to what is left after the grace. Resolves when nothing of it is left. */
  stop(graceMs: number): Promise<void>;
  /** Ends what it left behind, and gives back its cgroup. */
  clear(): Promise<void>;
}

const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/** Inherited by all that a run starts, so that it is found again where there are no cgroups. */
const MARK = "DEVFLOW_RUN_ID";
/** A fixed text: waits for one line on descriptor 3, then becomes the program. Its end without a line ends it too. */
const GATE = 'read -r _ <&3 && exec "$@" 3<&-';

/**
 * Starts a program that waits for its word, in a group (and, where there is one, a cgroup) of its own. Throws AppError
 * precondition_failed when it cannot be started.
 */
export async function startProcess(options: ProcessOptions): Promise<StartedProcess> {
  const { runId, argv, env = {}, cwd = "/", user = null, cgroupRoot = null } = options;
  const child = spawn("/bin/sh", ["-c", GATE, "sh", ...argv], {
    detached: true,
    cwd,
    env: { PATH, LC_ALL: "C.UTF-8", ...env, [MARK]: runId },
    stdio: ["ignore", "pipe", "pipe", "pipe"],
    ...(user !== null && { uid: user.uid, gid: user.gid }),
  });
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (cause) =>
      reject(new AppError("precondition_failed", `${argv[0]} could not be started in ${cwd}: ${cause.message}`, { cause })),
    );
  });
  const pid = child.pid as number;
  const cgroup = cgroupRoot === null ? null : enterCgroup(cgroupRoot, runId, pid);
  const process: RunProcess = { pid, startTicks: startTicksOf(pid) ?? 0, bootId: bootId(), cgroup };
  const gate = child.stdio[3] as Writable;
  gate.on("error", () => undefined); // it was stopped before its word
  const ended = endOf(child);
  return {
    process,
    stdout: child.stdout as Readable,
    stderr: child.stderr as Readable,
    go: () => void gate.end("\n"),
    ended,
    async stop(graceMs) {
      gate.destroy();
      const left = await signalAll(process, runId, "SIGTERM");
      const deadline = Date.now() + graceMs;
      for (let open = left; open > 0 && Date.now() < deadline; open = await countOf(process, runId)) await pause(50);
      await endAll(process, runId);
    },
    async clear() {
      await endAll(process, runId);
      if (cgroup !== null) removeCgroup(cgroup);
    },
  };
}

/**
 * Ends what a run left behind after its executor was killed: by its cgroup, its process group (told from a later one of
 * that number by when it started) and the mark that its processes carry.
 */
export async function endAll(process: RunProcess, runId: string): Promise<void> {
  if (process.bootId !== bootId()) return;
  for (;;) {
    if ((await signalAll(process, runId, "SIGKILL")) === 0) return;
    await pause(10);
  }
}

const endOf = (child: ChildProcess): StartedProcess["ended"] =>
  new Promise((resolve) => child.once("close", (exitCode, signal) => resolve({ exitCode, signal })));

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** @returns how many processes of the run there were */
async function signalAll(process: RunProcess, runId: string, signal: NodeJS.Signals): Promise<number> {
  const pids = await pidsOf(process, runId);
  for (const pid of pids) {
    try {
      globalThis.process.kill(pid, signal);
    } catch {
      // it has ended meanwhile
    }
  }
  return pids.length;
}

const countOf = async (process: RunProcess, runId: string): Promise<number> => (await pidsOf(process, runId)).length;

/** All processes of a run but those that have ended and wait to be collected. */
async function pidsOf(process: RunProcess, runId: string): Promise<number[]> {
  const found = new Set<number>(process.cgroup === null ? [] : cgroupPids(process.cgroup));
  const sameGroup = startTicksOf(process.pid) === process.startTicks;
  for (const name of await readdir("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === globalThis.process.pid) continue;
    const stat = statOf(pid);
    if (stat === null) continue;
    if ((sameGroup && stat.group === process.pid) || (stat.startTicks >= process.startTicks && (await isMarked(pid, runId))))
      found.add(pid);
  }
  return [...found].filter((pid) => statOf(pid)?.state !== "Z");
}

async function isMarked(pid: number, runId: string): Promise<boolean> {
  const environment = await readFile(`/proc/${pid}/environ`, "latin1").catch(() => "");
  return `\0${environment}`.includes(`\0${MARK}=${runId}\0`);
}

/** Fields of /proc/PID/stat (proc_pid_stat(5)); the name before them may hold anything. Null: there is no such process. */
function statOf(pid: number): { state: string; group: number; startTicks: number } | null {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "latin1")
      .replace(/^.*\) /s, "")
      .split(" ");
    return { state: fields[0] as string, group: Number(fields[2]), startTicks: Number(fields[19]) };
  } catch {
    return null;
  }
}

const startTicksOf = (pid: number): number | null => statOf(pid)?.startTicks ?? null;

const bootId = (): string => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();

/** Null where none can be made: then the group and the mark have to do. */
function enterCgroup(root: string, runId: string, pid: number): string | null {
  const folder = join(root, `run-${runId}`);
  try {
    mkdirSync(folder);
    writeFileSync(join(folder, "cgroup.procs"), String(pid));
    return folder;
  } catch {
    removeCgroup(folder);
    return null;
  }
}

function cgroupPids(folder: string): number[] {
  try {
    return readFileSync(join(folder, "cgroup.procs"), "utf8").split("\n").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

function removeCgroup(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // not there, or something in it is still ending
  }
}
