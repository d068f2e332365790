import { spawn } from "node:child_process";

/** What a child may use. */
export interface ChildBounds {
  /** Milliseconds after which it is ended with everything that it started. */
  readonly timeoutMs: number;
  /** Bytes of standard output after which it is ended. */
  readonly maxBytes: number;
}

/** Nothing of the agent's own environment goes along: it can hold a token or a proxy's password. */
const ENVIRONMENT = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C" };

/** By descriptor where possible: the binary may lie where this user cannot go, or have been replaced by an update. */
const runtime = process.platform === "linux" ? "/proc/self/exe" : process.execPath;

/**
 * Runs a script with this process's own Node in a process group of its own and gives its standard output; null when it
 * failed, took too long or said too much. `stop` ends it early.
 */
export function runChild(
  args: readonly string[],
  { timeoutMs, maxBytes }: ChildBounds,
): { output: Promise<string | null>; stop: () => void } {
  const child = spawn(runtime, args, { stdio: ["ignore", "pipe", "ignore"], detached: true, env: ENVIRONMENT, cwd: "/" });
  const stop = (): void => {
    try {
      // The group, since programs that it started could hang on their own.
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    } catch {
      // the whole group has ended
    }
  };
  const output = new Promise<string | null>((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const timer = setTimeout(stop, timeoutMs);
    child.stdout.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length > maxBytes) stop();
      else chunks.push(chunk);
    });
    const end = (code: number | null): void => {
      clearTimeout(timer);
      resolve(code === 0 && length <= maxBytes ? Buffer.concat(chunks).toString() : null);
    };
    child.on("error", () => end(null));
    child.on("close", end);
  });
  return { output, stop };
}
