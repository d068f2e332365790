import { link, readFile, rename, rm, writeFile } from "node:fs/promises";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "@devflow/errors";

/** A process, told apart from a later one with the same number by its start time and the kernel's boot. */
const identityOf = (pid: number): string | null => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // Field 22, counted after the command's closing bracket, since the command may hold spaces (proc_pid_stat(5)).
    const startTicks = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
    return `${pid} ${startTicks} ${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()}`;
  } catch {
    return null; // no such process
  }
};

/**
 * Takes the data folder for this process; returns the function that gives it back. A lock whose process is gone, by
 * kill -9 for example, is taken over. Throws AppError conflict when another controller holds it.
 */
export async function lockDataFolder(folder: string): Promise<() => Promise<void>> {
  const path = join(folder, "controller.lock");
  const mine = join(folder, `controller.lock.${process.pid}`);
  await writeFile(mine, identityOf(process.pid) ?? String(process.pid), { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < 10; attempt++) {
      // link() fails when the name exists, so exactly one process gets it, with its content in place.
      const taken = await link(mine, path).then(
        () => true,
        (error: NodeJS.ErrnoException) => {
          if (error.code !== "EEXIST") throw error;
          return false;
        },
      );
      if (taken) return async () => rm(path, { force: true });
      const holder = await readFile(path, "utf8").catch(() => null);
      if (holder === null) continue;
      const pid = Number.parseInt(holder, 10);
      if (identityOf(pid) === holder) {
        throw new AppError(
          "conflict",
          `Another DevFlow controller (process ${pid}) uses ${folder}. Stop it first, or set DEVFLOW_DATA_DIR to another folder.`,
        );
      }
      // Renamed away before it is removed: of two processes that see a stale lock, one gets it.
      const stale = `${mine}.stale`;
      if (
        (await rename(path, stale).then(
          () => true,
          () => false,
        )) &&
        (await readFile(stale, "utf8")) !== holder
      )
        await link(stale, path).catch(() => undefined);
      await rm(stale, { force: true });
    }
    throw new AppError("conflict", `The lock ${path} changes all the time: several controllers start on this folder.`);
  } finally {
    await rm(mine, { force: true });
  }
}
