import { createHash } from "node:crypto";
import { lstat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AppError } from "@devflow/errors";
import type { DatabaseUser } from "./database-user.ts";
import { makeFolder } from "./folders.ts";
import { fitsSocketPath } from "./settings.ts";

/**
 * The folder of the server's socket: inside `base`, or where that path is too long for a socket, a folder of the
 * temporary directory with a name made from it.
 * Throws AppError unavailable when somebody else has taken that name.
 */
export async function makeSocketFolder(base: string, user: DatabaseUser): Promise<string> {
  const inside = join(base, "run");
  const folder = fitsSocketPath(inside)
    ? inside
    : join(tmpdir(), `devflow-${createHash("sha256").update(base).digest("hex").slice(0, 16)}`);
  await makeFolder(folder, 0o700, user);
  const found = await lstat(folder);
  if (!found.isDirectory() || found.uid !== user.uid || (found.mode & 0o077) !== 0) {
    throw new AppError(
      "unavailable",
      `${folder} is to hold the database's socket and must be a folder of mode 700 of user ${user.name}. Remove it, then start again.`,
      { retryable: false },
    );
  }
  return folder;
}
