import { chmod, chown, mkdir, stat, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { AppError } from "@devflow/errors";
import { formatBytes } from "@devflow/units";

/**
 * Makes a folder and its parents whatever the umask is: parents that are missing get mode 755, so that the database
 * user can pass through them (a recursive mkdir would give them the folder's own mode), the folder gets `mode`.
 * @returns whether it was made
 */
export async function makeFolder(path: string, mode: number, owner?: { uid: number; gid: number }): Promise<boolean> {
  const present = await stat(path).then(
    (s) => s.isDirectory(),
    (error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error;
      return null;
    },
  );
  if (present === false) throw new AppError("unavailable", `${path} is needed as a folder, but is a file.`, { retryable: false });
  if (present) return false;
  if (dirname(path) !== path) await makeFolder(dirname(path), 0o755);
  const made = await mkdir(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
      return false; // another process was faster
    },
  );
  if (!made) return false;
  await chmod(path, mode);
  if (owner !== undefined && process.getuid?.() === 0) await chown(path, owner.uid, owner.gid);
  return true;
}

/**
 * Makes the data folder. For root others may pass through it, but not list it, since the database runs as another
 * user; everything secret inside has modes of its own.
 */
export async function makeDataDir(dataDir: string): Promise<void> {
  const isRoot = process.getuid?.() === 0;
  if (await makeFolder(dataDir, isRoot ? 0o711 : 0o700)) return;
  const { uid, mode } = await stat(dataDir);
  if (isRoot && uid === 0 && (mode & 0o001) === 0) await chmod(dataDir, (mode & 0o777) | 0o001);
}

/** Throws AppError unavailable when less than `bytes` are free at `folder`. */
export async function assertRoom(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (free >= bytes) return;
  throw new AppError(
    "unavailable",
    `The disk is full: ${formatBytes(free)} are free at ${folder}, the database needs ${formatBytes(bytes)} to start. Make room, then start again.`,
  );
}
