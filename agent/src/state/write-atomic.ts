import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Replaces a file whole or not at all, through `<path>.tmp` in the same folder.
 * @param options.mode default 0o600
 * @param options.sync true: on disk (file and folder) before this resolves. Default false
 */
export async function writeFileAtomic(
  path: string,
  data: string | Uint8Array,
  options: { mode?: number; sync?: boolean } = {},
): Promise<void> {
  const temporary = `${path}.tmp`;
  try {
    const file = await open(temporary, "w", options.mode ?? 0o600);
    try {
      await file.writeFile(data);
      // The mode of open() counts for new files only, and through the umask.
      await file.chmod(options.mode ?? 0o600);
      if (options.sync) await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined); // the first error is the one to tell
    throw error;
  }
  if (options.sync) await syncFolder(dirname(path));
}

/** Makes renames and new names in a folder durable. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
