import { AppError } from "@devflow/errors";
import { readStatus } from "../status/socket.ts";
import { describe } from "../status/status.ts";

/** `devflow-agent status [--json]`. Returns the exit code: 0 connected, 1 running but not connected, 2 not running or not allowed. */
export async function status(stateDir: string, json: boolean, say: (line: string) => void): Promise<number> {
  try {
    const current = await readStatus(stateDir);
    for (const line of json ? [JSON.stringify(current)] : describe(current)) say(line);
    return current.state === "ready" ? 0 : 1;
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    say(
      json
        ? JSON.stringify({ error: error.message })
        : `${error.message}.${error.code === "unavailable" ? " Start it: systemctl start devflow-agent" : ""}`,
    );
    return 2;
  }
}
