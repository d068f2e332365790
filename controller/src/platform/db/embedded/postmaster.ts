import { readdir, readlink, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AppError } from "@devflow/errors";
import { readOwnedFile } from "../../owned-files.ts";

/** What postmaster.pid says (miscinit.h LOCK_FILE_LINE_*). */
export interface Postmaster {
  readonly pid: number;
  /** Eighth line: "starting", "stopping", "ready", "standby"; empty when not there yet. */
  readonly status: string;
}

/** Parses postmaster.pid; null for a torn or foreign file. */
export function parsePostmasterPid(text: string): Postmaster | null {
  const lines = text.split("\n");
  const pid = Number(lines[0]);
  return Number.isInteger(pid) && pid > 1 ? { pid, status: (lines[7] ?? "").trim() } : null;
}

/** The postmaster that serves this cluster now, or null. A left-over file whose number another process got counts as none. */
export async function runningPostmaster(cluster: string): Promise<Postmaster | null> {
  const text = await readOwnedFile(join(cluster, "postmaster.pid")).catch(() => null);
  const found = text === null ? null : parsePostmasterPid(text);
  return found !== null && (await worksIn(found.pid, cluster)) ? found : null;
}

/** Every process of a PostgreSQL server has its cluster as working directory. */
const worksIn = async (pid: number | string, cluster: string): Promise<boolean> =>
  (await readlink(`/proc/${pid}/cwd`).catch(() => null)) === cluster;

async function processesIn(cluster: string): Promise<number[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const inside = await Promise.all(pids.map(async (pid) => ((await worksIn(pid, cluster)) ? Number(pid) : null)));
  return inside.filter((pid) => pid !== null);
}

/**
 * Makes sure that nothing of an earlier server is left before the next one starts: backends that outlive a killed
 * postmaster still write to the files. They leave by themselves when they notice; those that do not are ended.
 * Afterwards removes a postmaster.pid whose number belongs to another process, over which PostgreSQL would stumble.
 * @param cluster real path
 */
export async function clearLeftovers(cluster: string, timeoutMs = 20_000): Promise<void> {
  const started = Date.now();
  for (;;) {
    const left = await processesIn(cluster);
    if (left.length === 0) break;
    const waitedMs = Date.now() - started;
    if (waitedMs > timeoutMs) {
      throw new AppError(
        "unavailable",
        `Processes ${left.join(", ")} of an earlier database server still run in ${cluster}. End them, then start again.`,
      );
    }
    if (waitedMs > 2_000) for (const pid of left) signal(pid, waitedMs > 10_000 ? "SIGKILL" : "SIGQUIT");
    await sleep(50);
  }
  const file = join(cluster, "postmaster.pid");
  const text = await readOwnedFile(file).catch(() => null);
  const found = text === null ? null : parsePostmasterPid(text);
  // A dead number is left to PostgreSQL, which checks the shared memory that the file names too.
  if (found !== null && isAlive(found.pid)) await rm(file);
}

/** Whether a process with that number exists. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Sends a signal; a process that is gone already is no error. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/**
 * Ends a server: fast shutdown (SIGINT: connections are ended, a checkpoint is written), after `graceMs` an immediate
 * one (SIGQUIT: recovery at the next start, nothing committed is lost). Resolves when the postmaster is gone.
 */
export async function stopPostmaster(pid: number, cluster: string, graceMs = 6_000): Promise<void> {
  const started = Date.now();
  let immediate = false;
  signal(pid, "SIGINT");
  while (await worksIn(pid, cluster)) {
    if (!immediate && Date.now() - started > graceMs) {
      immediate = true;
      signal(pid, "SIGQUIT");
    }
    await sleep(20);
  }
}
