import { type ChildProcess, spawn } from "node:child_process";
import { chownSync, closeSync, openSync, readFileSync } from "node:fs";
import { parsePasswd } from "../../../platform/db/embedded/database-user.ts";

/** Whom this machine's agent runs as. */
export interface AgentUser {
  readonly uid: number;
  readonly gid: number;
}

/** Null: as ourselves. A controller that runs as root gives its agent to the first of these users; there is no agent as root. */
export function agentUser(): AgentUser | null {
  if (process.getuid?.() !== 0) return null;
  const users = parsePasswd(readFileSync("/etc/passwd", "utf8"));
  const found = ["devflow", "nobody"]
    .map((name) => users.find((user) => user.name === name))
    .find((user) => user !== undefined && user.uid !== 0);
  if (found === undefined)
    throw new Error(
      "the controller runs as root, and neither a user devflow nor nobody exists for the agent; make one: useradd --system devflow",
    );
  return { uid: found.uid, gid: found.gid };
}

export const give = (path: string, user: AgentUser | null): void => {
  if (user !== null) chownSync(path, user.uid, user.gid);
};

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
