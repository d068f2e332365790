import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { open, rename, rm } from "node:fs/promises";

/**
 * Files in folders that belong to another user, for a controller that runs as root. That user may put a link or a pipe
 * wherever root is about to read or write: nothing here follows a link or waits for a pipe.
 */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * The text of a plain file; null when there is none, or something else has its name.
 * @param maxBytes longer files count as none; default 64 KiB
 */
export async function readOwnedFile(path: string, maxBytes = 65_536): Promise<string | null> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch((error: NodeJS.ErrnoException) => {
    // ELOOP: a link; ENXIO: a socket.
    if (["ENOENT", "ELOOP", "ENXIO", "ENOTDIR"].includes(error.code ?? "")) return null;
    throw error;
  });
  if (file === null) return null;
  try {
    const { size } = await file.stat().then((found) => (found.isFile() ? found : { size: Number.POSITIVE_INFINITY }));
    return size > maxBytes ? null : await file.readFile("utf8");
  } finally {
    await file.close();
  }
}

/**
 * Writes a file whole, under a new name first, and gives it to `owner`; whatever had its name before is replaced, never
 * written through.
 * @param owner null, or we are not root: it stays ours
 */
export async function writeOwnedFile(path: string, text: string, owner: Owner | null, mode = 0o600): Promise<void> {
  const partial = `${path}.${randomBytes(6).toString("hex")}`;
  // "wx" fails on any name that is taken, links included.
  const file = await open(partial, "wx", mode);
  try {
    await file.writeFile(text);
    if (owner !== null && process.getuid?.() === 0) await file.chown(owner.uid, owner.gid);
    await file.close();
    await rename(partial, path);
  } catch (error) {
    await file.close().catch(() => undefined); // closed already
    await rm(partial, { force: true });
    throw error;
  }
}
