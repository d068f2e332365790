import { createHash } from "node:crypto";
import { readFile, realpath, rm, writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import { AppError } from "@devflow/errors";
import type { Logger } from "pino";
import { writeOwnedFile } from "../../owned-files.ts";
import { installBinaries } from "./binaries.ts";
import { ensureCluster } from "./cluster.ts";
import { lockDataFolder } from "./data-folder-lock.ts";
import { assertCanEnter, databaseUser } from "./database-user.ts";
import { makeDataDir, makeFolder } from "./folders.ts";
import { isReady, launch, type Served } from "./launch.ts";
import { runningPostmaster, signal, stopPostmaster } from "./postmaster.ts";
import { makeSocketFolder } from "./socket-folder.ts";
import { pgHbaConf, pgIdentConf, postgresqlConf } from "./settings.ts";
import { supervise } from "./supervise.ts";

export { databaseName, socketPort } from "./settings.ts";
export { makeDataDir } from "./folders.ts";

/** A PostgreSQL of our own that serves until stop(). */
export interface EmbeddedServer {
  /** Folder of its unix socket; it listens nowhere else. */
  readonly socketFolder: string;
  /** Number of the postmaster at this moment; null while it is being started again. */
  readonly pid: number | null;
  /** Fast shutdown; gives the data folder back. */
  stop(): Promise<void>;
}

/**
 * Starts the embedded PostgreSQL in `<dataDir>/postgresql`, or adopts the one that a killed controller left there, and
 * starts it again whenever it dies. As root it runs as an unprivileged user.
 *
 * Resolves when it takes connections; crash recovery may take its time before that.
 * Throws AppError conflict when another controller uses the folder, unavailable with the reason for everything else.
 */
export async function startEmbedded(options: { dataDir: string; log: Logger }): Promise<EmbeddedServer> {
  try {
    return await startIn(options);
  } catch (error) {
    throw explainSystemError(error, options.dataDir);
  }
}

async function startIn({ dataDir, log }: { dataDir: string; log: Logger }): Promise<EmbeddedServer> {
  // initdb hands its own path to a shell inside double quotes.
  if (/["$`\\\n]/.test(dataDir)) {
    throw new AppError(
      "unavailable",
      `DEVFLOW_DATA_DIR must not hold any of " $ \` \\ or a line break, which PostgreSQL cannot take; got ${dataDir}`,
      { retryable: false },
    );
  }
  await makeDataDir(dataDir);
  // The kernel tells a process's folder without links; to find our processes again we have to use the same form.
  const base = join(await realpath(dataDir), "postgresql");
  await makeFolder(base, process.getuid?.() === 0 ? 0o711 : 0o700);
  const unlock = await lockDataFolder(base);
  try {
    const cluster = join(base, "data");
    const user = await databaseUser(cluster);
    assertCanEnter(user, base);
    const binaries = await installBinaries(join(base, "binaries"));
    await ensureCluster(cluster, binaries, user);
    const socketFolder = await makeSocketFolder(base, user);
    const files = {
      "postgresql.conf": postgresqlConf(socketFolder, join(base, "postgresql.local.conf")),
      "pg_hba.conf": pgHbaConf,
      "pg_ident.conf": pgIdentConf([userInfo().username, "root"]),
    };
    for (const [name, text] of Object.entries(files)) await writeOwnedFile(join(cluster, name), text, user);

    const settingsHash = createHash("sha256")
      .update(JSON.stringify([binaries.version, files]))
      .digest("hex");
    const hashFile = join(base, "started-with");
    const start = async (): Promise<Served> => {
      await writeFile(hashFile, settingsHash, { mode: 0o600 });
      return launch({ cluster, program: binaries.postgres, user, logFile: join(base, "server.log"), log });
    };
    const left = await runningPostmaster(cluster);
    const adoptable = left !== null && isReady(left) && (await readFile(hashFile, "utf8").catch(() => null)) === settingsHash;
    if (left !== null && !adoptable) {
      log.info({ pid: left.pid }, "stopping the database server of an earlier run");
      await stopPostmaster(left.pid, cluster);
    }
    if (adoptable) {
      log.info({ pid: left.pid }, "adopting the database server of an earlier run");
      signal(left.pid, "SIGHUP");
    }
    const supervised = supervise({ cluster, first: adoptable ? { pid: left.pid, child: null } : await start(), start, log });
    return {
      socketFolder,
      get pid() {
        return supervised.pid;
      },
      async stop() {
        await supervised.stop();
        if (!socketFolder.startsWith(base)) await rm(socketFolder, { recursive: true, force: true });
        await unlock();
      },
    };
  } catch (error) {
    await unlock();
    throw error;
  }
}

/** Errors of the file system in words that say what to do. */
function explainSystemError(error: unknown, dataDir: string): unknown {
  const { code, path } = error as NodeJS.ErrnoException;
  if (error instanceof AppError || code === undefined) return error;
  if (code === "ENOSPC" || code === "EDQUOT")
    return new AppError("unavailable", `The disk is full at ${path ?? dataDir}. Make room, then start again.`, { cause: error });
  if (code === "EACCES" || code === "EPERM" || code === "EROFS") {
    return new AppError(
      "unavailable",
      `${path ?? dataDir} cannot be written (${code}). Choose a DEVFLOW_DATA_DIR that belongs to the user who runs DevFlow.`,
      { cause: error, retryable: false },
    );
  }
  return error;
}
