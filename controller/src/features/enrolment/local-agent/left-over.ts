import { readFile, rm } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";

const patienceMs = 5_000;
const stepMs = 50;

/** Whether the process with this number is an agent on that folder, and not another one that got the number since. */
async function isAgentOn(pid: number, stateDir: string): Promise<boolean> {
  const environment = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
  return environment.split("\0").includes(`DEVFLOW_AGENT_STATE_DIR=${stateDir}`);
}

/** Ends the agent that a killed controller left behind: two on one folder would be taken for a cloned machine. */
export async function endLeftOver(pidFile: string, stateDir: string): Promise<void> {
  const pid = Number(await readFile(pidFile, "utf8").catch(() => ""));
  if (!Number.isInteger(pid) || pid < 2) return;
  for (let waitedMs = 0; await isAgentOn(pid, stateDir); waitedMs += stepMs) {
    if (waitedMs === 0) process.kill(pid, "SIGTERM");
    if (waitedMs >= patienceMs) process.kill(pid, "SIGKILL");
    await delay(stepMs);
  }
  await rm(pidFile, { force: true });
}
