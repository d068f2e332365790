import { access, constants, rm, stat, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { formatBytes, formatDuration } from "@devflow/units";
import type { Credentials } from "../state/credentials.ts";
import { failed, fine, type Finding } from "./finding.ts";

/** The spool may grow to 64 MiB. */
const SPACE_BYTES = 64 * 1024 * 1024;

export async function checkFolder(stateDir: string): Promise<Finding> {
  try {
    await access(stateDir, constants.R_OK | constants.X_OK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT")
      return failed(`${stateDir} does not exist: this machine is not enrolled, or DEVFLOW_AGENT_STATE_DIR names another folder`);
    return failed(`${stateDir} must not be read by this user (${code ?? String(error)}): run this with sudo`);
  }
  return fine(`${stateDir} can be read`);
}

export async function checkKeyFile(stateDir: string): Promise<Finding> {
  const path = join(stateDir, "key.pem");
  const [key, folder] = await Promise.all([stat(path), stat(stateDir)]);
  if ((key.mode & 0o077) !== 0) return failed(`${path} may be read by others (mode ${(key.mode & 0o777).toString(8)}): chmod 600 ${path}`);
  if (key.uid !== folder.uid)
    return failed(`${path} belongs to user ${key.uid}, its folder to user ${folder.uid}: chown it to the agent's user`);
  return fine(`${path} is readable by its owner alone`);
}

/** @param nowMs by this machine's clock */
export function checkCertificate({ notBeforeMs, notAfterMs }: Pick<Credentials, "notBeforeMs" | "notAfterMs">, nowMs: number): Finding {
  if (nowMs < notBeforeMs)
    return failed(`the certificate is valid only in ${formatDuration((notBeforeMs - nowMs) / 1000)}: this machine's clock is behind`);
  if (nowMs <= notAfterMs) return fine(`the certificate is valid for ${formatDuration((notAfterMs - nowMs) / 1000)}`);
  const ago = formatDuration((nowMs - notAfterMs) / 1000);
  return failed(
    `the certificate expired ${ago} ago: a running agent renews it by itself within 180 days, afterwards enrol this machine again (or this machine's clock is ahead)`,
  );
}

export async function checkSpace(stateDir: string): Promise<Finding> {
  const probe = join(stateDir, "spool", ".doctor");
  try {
    await writeFile(probe, Buffer.alloc(4096));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return fine("the spool is made when the agent first runs");
    if (code === "ENOSPC" || code === "EDQUOT")
      return failed(`the disk of ${stateDir} is full: measurements are held in memory only; free some space`);
    if (code === "EROFS") return failed(`${stateDir} is on a read-only file system: measurements are held in memory only`);
    return failed(`the spool cannot be written: ${message}`);
  } finally {
    await rm(probe, { force: true }).catch(() => undefined); // the write's error is the one to tell
  }
  const { bavail, bsize } = await statfs(stateDir);
  const free = bavail * bsize;
  return free < SPACE_BYTES
    ? failed(`only ${formatBytes(free)} are free at ${stateDir}; the spool may want ${formatBytes(SPACE_BYTES)}`)
    : fine(`the spool can be written, ${formatBytes(free)} free`);
}
