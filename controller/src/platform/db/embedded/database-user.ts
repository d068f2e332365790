import { spawnSync } from "node:child_process";
import { readFile, stat } from "node:fs/promises";
import { userInfo } from "node:os";
import { dirname } from "node:path";
import { AppError } from "@devflow/errors";

/** Whom the database server runs as. */
export interface DatabaseUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/**
 * PostgreSQL refuses to run as root and as a user without a name; the first of these that exists is taken then. Never
 * the agents' user devflow, which must not come near the database.
 */
const unprivileged = ["devflow-controller", "postgres", "nobody"] as const;

/**
 * Whom the server is to run as: ourselves, or when we are root the owner of the cluster that is there already, or the
 * first unprivileged user of the list.
 * @param cluster folder of the cluster; may be missing
 */
export async function databaseUser(cluster: string): Promise<DatabaseUser> {
  const passwd = parsePasswd(await readFile("/etc/passwd", "utf8").catch(() => ""));
  if (process.getuid?.() !== 0) return currentUser();
  const owner = await stat(cluster).then(
    (s) => s.uid,
    () => null,
  );
  const found =
    owner === null || owner === 0
      ? unprivileged.map((name) => passwd.find((user) => user.name === name)).find((user) => user !== undefined)
      : passwd.find((user) => user.uid === owner);
  if (found !== undefined && found.uid !== 0) return found;
  throw new AppError(
    "unavailable",
    owner === null || owner === 0
      ? `PostgreSQL may not run as root, and none of the users ${unprivileged.join(", ")} exists here. Make one (useradd --system devflow-controller), or set DATABASE_URL.`
      : `${cluster} belongs to user number ${owner}, which does not exist here. Give it to an existing user with chown -R, or choose another DEVFLOW_DATA_DIR.`,
    { retryable: false },
  );
}

function currentUser(): DatabaseUser {
  try {
    const { username, uid, gid } = userInfo();
    return { name: username, uid, gid };
  } catch (cause) {
    throw new AppError(
      "unavailable",
      `User number ${process.getuid?.()} has no entry in /etc/passwd, and PostgreSQL needs one. Run as a named user, or set DATABASE_URL.`,
      { cause, retryable: false },
    );
  }
}

/** Users of /etc/passwd (passwd(5)); broken lines are left out. */
export function parsePasswd(text: string): DatabaseUser[] {
  return text.split("\n").flatMap((line) => {
    const [name, , uid, gid] = line.split(":");
    return name && uid && gid && /^\d+$/.test(uid) && /^\d+$/.test(gid) ? [{ name, uid: Number(uid), gid: Number(gid) }] : [];
  });
}

/** Throws AppError unavailable, naming the folder that bars the way, when `user` cannot enter `folder`. Matters for root only. */
export function assertCanEnter(user: DatabaseUser, folder: string): void {
  if (process.getuid?.() !== 0 || canEnter(user, folder)) return;
  let barrier = folder;
  while (barrier !== "/" && !canEnter(user, dirname(barrier))) barrier = dirname(barrier);
  throw new AppError(
    "unavailable",
    `The database runs as user ${user.name}, who cannot enter ${barrier} on the way to ${folder}. Choose a DEVFLOW_DATA_DIR that others may pass through, for example /var/lib/devflow, or run chmod o+x ${barrier}.`,
    { retryable: false },
  );
}

/** Asked of the kernel rather than read from modes, since access lists and mounts count too. */
const canEnter = (user: DatabaseUser, folder: string): boolean =>
  spawnSync("/bin/sh", ["-c", 'cd -- "$1"', "sh", folder], { uid: user.uid, gid: user.gid, cwd: "/", env: {}, stdio: "ignore" }).status ===
  0;
