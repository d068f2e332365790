import { chmod, lstat, mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { Failure } from "./failure.ts";
import type { Terminal } from "./terminal.ts";

/** One controller and how to get into it. */
export interface Context {
  readonly url: string;
  readonly token: string;
  /** Which the token works in; sign-ins of long ago lack it. */
  readonly organization?: { readonly id: string; readonly name: string };
}

export interface Credentials {
  readonly current: string | null;
  readonly contexts: Readonly<Record<string, Context>>;
}

/** $XDG_CONFIG_HOME/devflow/credentials.json, or ~/.config/devflow/credentials.json. */
export function credentialsPath(env: Terminal["env"]): string {
  const base = env["XDG_CONFIG_HOME"];
  return join(base !== undefined && base.startsWith("/") ? base : join(env["HOME"] ?? homedir(), ".config"), "devflow", "credentials.json");
}

/** Nothing when there is no file. Throws Failure for one that others may read, or that cannot be read. */
export async function readCredentials(path: string): Promise<Credentials> {
  let text: string;
  try {
    const { mode } = await lstat(path);
    if ((mode & 0o077) !== 0 && process.platform !== "win32")
      throw new Failure(
        "failure",
        `${path} holds tokens and others may read it`,
        `Make it yours alone: chmod 600 '${path}'; end the tokens if others were here`,
      );
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { current: null, contexts: {} };
    throw error;
  }
  try {
    const { current = null, contexts = {} } = JSON.parse(text) as Partial<Credentials>;
    return { current, contexts: Object.assign(Object.create(null) as object, contexts) };
  } catch (cause) {
    throw new Failure("failure", `${path} is not JSON: ${(cause as Error).message}`, "Mend it, or remove it and sign in again");
  }
}

/** Replaced as a whole, mode 600 from its first byte, so that it is never half written and never readable by others. */
export async function writeCredentials(path: string, credentials: Credentials): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const fresh = `${path}.${process.pid}`;
  await rm(fresh, { force: true });
  const file = await open(fresh, "wx", 0o600);
  try {
    await file.writeFile(`${JSON.stringify(credentials, null, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await chmod(fresh, 0o600);
  await rename(fresh, path);
}
