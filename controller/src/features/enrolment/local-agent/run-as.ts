import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, lchownSync, lstatSync, openSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parsePasswd } from "../../../platform/db/embedded/database-user.ts";

/** Whom this machine's agent runs as. */
export interface AgentUser {
  readonly uid: number;
  readonly gid: number;
}

/** A number that no distribution gives out (systemd's "Users, Groups, UIDs and GIDs"); the next ones when it is taken. */
const firstOwnUid = 60_900;

/**
 * Null: as ourselves. A controller that runs as root gives its agent to the user devflow, or to a number that nobody
 * else on this machine has. Never to nobody, whom other services share, and never to the database's user: whoever took
 * the agent over would have the database too.
 * @param databaseUid owner of the embedded cluster; null without one
 */
export function agentUser(databaseUid: number | null = null, passwd = readPasswd()): AgentUser | null {
  if (process.getuid?.() !== 0) return null;
  const users = parsePasswd(passwd);
  const own = users.find((user) => user.name === "devflow");
  if (own !== undefined && own.uid !== 0 && own.uid !== databaseUid) return { uid: own.uid, gid: own.gid };
  let uid = firstOwnUid;
  while (uid === databaseUid || users.some((user) => user.uid === uid || user.gid === uid)) uid++;
  return { uid, gid: uid };
}

function readPasswd(): string {
  try {
    return readFileSync("/etc/passwd", "utf8");
  } catch {
    return ""; // an image without one: no user has a name
  }
}

/** Gives a folder and the files in it to `user`; what is a link, or has a second name elsewhere, stays whose it is. */
export function giveFolder(path: string, user: AgentUser | null): void {
  if (user === null) return;
  for (const entry of readdirSync(path, { recursive: true, withFileTypes: true })) {
    const inside = join(entry.parentPath, entry.name);
    const { nlink, uid } = lstatSync(inside);
    if (uid !== user.uid && (entry.isDirectory() || (entry.isFile() && nlink === 1))) lchownSync(inside, user.uid, user.gid);
  }
  lchownSync(path, user.uid, user.gid);
}

/**
 * Starts this very Node as `user`. The binary is opened here and started by its descriptor: it may lie where that user
 * cannot go (a clone under /root). Nothing of the controller's environment is handed on: it may hold secrets.
 */
export function spawnNode(
  args: readonly string[],
  user: AgentUser | null,
  options: { cwd: string; env: Record<string, string> },
): ChildProcess {
  const env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", ...options.env };
  if (user === null) return spawn(process.execPath, args, { cwd: options.cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  const binary = openSync(process.execPath, "r");
  try {
    return spawn("/proc/self/fd/3", args, {
      cwd: options.cwd,
      env,
      uid: user.uid,
      gid: user.gid,
      argv0: "devflow-agent",
      stdio: ["ignore", "pipe", "pipe", binary],
    });
  } finally {
    closeSync(binary);
  }
}
