import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** A status is about 1 kB; whoever sends more is no agent. */
const maxStatusLength = 65_536;

/** Process number of the agent that answers on this status socket; null when none does. */
function runningAgent(socketPath: string): Promise<number | null> {
  return new Promise((resolve) => {
    let text = "";
    const socket = connect(socketPath);
    socket.setTimeout(2_000, () => socket.destroy());
    socket.on("data", (data) => {
      text += data.toString();
      if (text.length > maxStatusLength) socket.destroy();
    });
    socket.on("error", () => resolve(null)); // nobody listens
    socket.on("close", () => {
      try {
        const { pid } = JSON.parse(text) as { pid?: unknown };
        resolve(typeof pid === "number" && pid > 1 ? pid : null);
      } catch {
        resolve(null); // an agent that is just starting or ending
      }
    });
  });
}

/**
 * Ends the agent that a killed controller left behind: two on one folder would use one identity.
 * A process that is not ours, whatever the socket says, is left alone.
 * @param bundlePath the bundle that it must have been started with
 */
export async function endLeftover(socketPath: string, bundlePath: string): Promise<number | null> {
  const pid = await runningAgent(socketPath);
  if (pid === null) return null;
  const isOurs = () => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").includes(bundlePath);
    } catch {
      return false; // it has ended
    }
  };
  if (!isOurs()) return null;
  process.kill(pid, "SIGTERM");
  for (let i = 0; i < 60 && isOurs(); i++) await sleep(100);
  if (isOurs()) process.kill(pid, "SIGKILL");
  return pid;
}
