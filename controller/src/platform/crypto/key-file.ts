import { randomBytes } from "node:crypto";
import { link, mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { AppError } from "@devflow/errors";

/**
 * The content of a key file of mode 600; made with `make()` when there is none. Of several processes that start at
 * once, one makes it and all read the same. Throws AppError precondition_failed when others may read the file.
 */
export async function readOrMakeKeyFile(path: string, make: () => string): Promise<string> {
  const present = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    return null;
  });
  if (present === null) await writeOnce(path, make());
  else if ((present.mode & 0o077) !== 0) {
    throw new AppError(
      "precondition_failed",
      `${path} holds a key and has mode ${(present.mode & 0o777).toString(8)}: others may read it. Run chmod 600 ${path}; if others had access to this machine, make new keys.`,
    );
  }
  return readFile(path, "utf8");
}

/** Keeps a file that anybody may read at `text`; readers see the old or the new one whole. */
export async function writePublicFile(path: string, text: string): Promise<void> {
  if ((await readFile(path, "utf8").catch(() => null)) === text) return;
  const partial = `${path}.${randomBytes(6).toString("hex")}`;
  const file = await open(partial, "wx", 0o644);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(partial, path);
}

/** Whole and on disk before it gets its name; a name that is taken stays as it is. */
async function writeOnce(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const partial = `${path}.${randomBytes(6).toString("hex")}`;
  const file = await open(partial, "wx", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await link(partial, path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
  await rm(partial);
  await syncFolder(path);
}

/** Puts a key file in the place of another one, which is kept under `keptAs` until somebody removes it. */
export async function replaceKeyFile(path: string, by: string, keptAs: string): Promise<void> {
  await rm(keptAs, { force: true });
  await link(path, keptAs);
  await rename(by, path);
  await syncFolder(path);
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(dirname(path), "r");
  await folder.sync();
  await folder.close();
}
