import { spawn } from "node:child_process";
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "@devflow/errors";
import { readOwnedFile } from "../../owned-files.ts";
import type { Binaries } from "./binaries.ts";
import type { DatabaseUser } from "./database-user.ts";
import { assertRoom, makeFolder } from "./folders.ts";
import { databaseName } from "./settings.ts";

const mebibyte = 2 ** 20;

/** What every program of PostgreSQL gets as environment: nothing of ours, no PG* settings, no translations. */
export const programEnv = { PATH: "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" };

/**
 * Makes the cluster when there is none, and checks that the one there is of our major version.
 * Throws AppError unavailable for another major version, a full disk, or a folder that is no cluster.
 */
export async function ensureCluster(cluster: string, binaries: Binaries, user: DatabaseUser): Promise<void> {
  const version = await readOwnedFile(join(cluster, "PG_VERSION"));
  if (version === null) return initialize(cluster, binaries, user);
  await assertRoom(cluster, 32 * mebibyte);
  if (version.trim() === String(binaries.major)) return;
  throw new AppError(
    "unavailable",
    `${cluster} was made by PostgreSQL ${version.trim()}, and this DevFlow carries PostgreSQL ${binaries.major}. Start the DevFlow release that made it and move the data (docs/operations/database.md), or choose another DEVFLOW_DATA_DIR.`,
    { retryable: false },
  );
}

/** initdb into a folder beside, renamed when whole: a first start that is killed leaves nothing half made. */
async function initialize(cluster: string, binaries: Binaries, user: DatabaseUser): Promise<void> {
  const partial = `${cluster}.partial`;
  await rm(partial, { recursive: true, force: true });
  await makeFolder(partial, 0o700, user);
  await assertRoom(partial, 192 * mebibyte);
  await run(
    binaries.initdb,
    [
      `--pgdata=${partial}`,
      `--username=${databaseName}`,
      "--auth=peer",
      "--encoding=UTF8",
      // Order by code point from PostgreSQL itself: no dependency on the machine's locales, and indexes survive their updates.
      "--locale=C",
      "--locale-provider=builtin",
      "--builtin-locale=C.UTF-8",
    ],
    user,
    partial,
  );
  // Single-user mode: the database is there before anything can connect.
  await run(binaries.postgres, ["--single", "-D", partial, "template1"], user, partial, `create database ${databaseName}\n`);
  await rename(partial, cluster).catch((cause: unknown) => {
    throw new AppError(
      "unavailable",
      `${cluster} exists and is no database cluster (PG_VERSION is missing). Move it away, then start again.`,
      { cause, retryable: false },
    );
  });
}

/** Runs a program as the database user; throws AppError unavailable with what it printed when it fails. */
function run(program: string, args: readonly string[], user: DatabaseUser, cwd: string, input = ""): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { ...asUser(user), cwd, env: programEnv, stdio: "pipe" });
    child.stdin.on("error", () => undefined).end(input); // a program that ends early says why by its exit
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => (output = (output + text).slice(-4000)));
    child.once("error", reject);
    child.once("close", (code, signal) => {
      if (code === 0) resolve();
      else reject(new AppError("unavailable", `${program} failed (${signal ?? `exit ${code}`}): ${explain(output)}`));
    });
  });
}

/** Options of spawn for that user; only root may change it. */
export const asUser = (user: DatabaseUser): { uid?: number; gid?: number } =>
  process.getuid?.() === 0 ? { uid: user.uid, gid: user.gid } : {};

/** The end of PostgreSQL's own words, led by what to do where we know it. */
export function explain(output: string): string {
  const text = output.trim();
  return /No space left on device/.test(text) ? `the disk is full; make room, then start again. ${text}` : text || "no message";
}
