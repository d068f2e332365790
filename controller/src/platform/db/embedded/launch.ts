import { type ChildProcess, spawn } from "node:child_process";
import { open, readFile, rename, stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { AppError } from "@devflow/errors";
import type { Logger } from "pino";
import { asUser, explain, programEnv } from "./cluster.ts";
import type { DatabaseUser } from "./database-user.ts";
import { clearLeftovers, type Postmaster, runningPostmaster } from "./postmaster.ts";

/** A server that takes connections; `child` is null when an earlier controller started it. */
export interface Served {
  readonly pid: number;
  readonly child: ChildProcess | null;
}

/** "ready" with the blanks that PostgreSQL pads it with cut off. */
export const isReady = (postmaster: Postmaster): boolean => postmaster.status === "ready";

const rotateLogAtBytes = 8 * 2 ** 20;

/**
 * Starts the server and resolves when it takes connections.
 * It has a session of its own, so that Ctrl-C at the terminal reaches the controller alone, which then ends it in order.
 * Its messages go to a file, which goes on working when the controller is killed.
 * Throws AppError unavailable with the end of that file when it exits instead.
 */
export async function launch({
  cluster,
  program,
  user,
  logFile,
  log,
}: {
  cluster: string;
  program: string;
  user: DatabaseUser;
  logFile: string;
  log: Logger;
}): Promise<Served> {
  await clearLeftovers(cluster);
  if (((await stat(logFile).catch(() => null))?.size ?? 0) > rotateLogAtBytes) await rename(logFile, `${logFile}.1`);
  const output = await open(logFile, "a", 0o600);
  const { size: logStart } = await output.stat();
  let child: ChildProcess;
  try {
    child = spawn(program, ["-D", cluster], {
      ...asUser(user),
      cwd: cluster,
      env: programEnv,
      detached: true,
      stdio: ["ignore", output.fd, output.fd],
    });
  } finally {
    await output.close();
  }
  const end: { reason: string | null } = { reason: null };
  child.once("error", (error) => (end.reason = error.message));
  child.once("exit", (code, signal) => (end.reason = signal ?? `exit ${code}`));
  child.unref();
  const started = Date.now();
  for (let told = 1; ;) {
    const found = await runningPostmaster(cluster);
    if (found !== null && found.pid === child.pid && isReady(found)) break;
    if (end.reason !== null) {
      const output = (await readFile(logFile)).subarray(logStart).toString("utf8").slice(-2000);
      throw new AppError("unavailable", `The database server did not start (${end.reason}): ${explain(output)}`);
    }
    if (Date.now() - started > told * 10_000)
      log.warn({ seconds: told++ * 10 }, "the database server still starts, probably recovering after a crash");
    await sleep(10);
  }
  const { pid } = child;
  if (pid === undefined) throw new Error("a server that is ready has a pid");
  log.debug({ pid, ms: Date.now() - started }, "database server ready");
  return { pid, child };
}
