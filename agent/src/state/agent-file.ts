import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "@devflow/errors";
import { writeFileAtomic } from "./write-atomic.ts";

/** agent.json: where the controller is and who this agent is. Written by enrolment, mode 644. */
export interface AgentFile {
  /** Host name or address, as given at enrolment. */
  readonly controllerHost: string;
  readonly gatewayPort: number;
  readonly enrolPort: number;
  /** Name in the gateway's certificate; the same for the life of the installation. */
  readonly gatewayName: string;
  /** UUID. */
  readonly agentId: string;
}

const isPort = (value: unknown): value is number => Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 65_535;
const isText = (value: unknown): value is string => typeof value === "string" && value.length > 0 && value.length <= 253;

/** Checks a parsed agent.json. Throws AppError invalid naming the field. */
export function checkAgentFile(value: unknown): AgentFile {
  const file = (typeof value === "object" && value !== null ? value : {}) as Record<string, unknown>;
  const wrong = (field: string, expected: string) =>
    new AppError("invalid", `agent.json: "${field}" should be ${expected}, found ${JSON.stringify(file[field])}; enrol this machine again`);
  if (!isText(file.controllerHost)) throw wrong("controllerHost", "a host name or address");
  if (!isPort(file.gatewayPort)) throw wrong("gatewayPort", "a port");
  if (!isPort(file.enrolPort)) throw wrong("enrolPort", "a port");
  if (!isText(file.gatewayName)) throw wrong("gatewayName", "the gateway's name");
  if (typeof file.agentId !== "string" || !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(file.agentId))
    throw wrong("agentId", "a UUID in lower case");
  const { controllerHost, gatewayPort, enrolPort, gatewayName, agentId } = file as unknown as AgentFile;
  return { controllerHost, gatewayPort, enrolPort, gatewayName, agentId };
}

/** Reads agent.json. Throws AppError not_found when this machine was never enrolled, invalid when the file is damaged. */
export async function readAgentFile(stateDir: string): Promise<AgentFile> {
  const path = join(stateDir, "agent.json");
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") {
      throw new AppError("not_found", `This machine is not enrolled: ${path} does not exist. Run the line that "Add a server" shows.`, {
        cause,
      });
    }
    throw new AppError("internal", `${path} cannot be read: ${(cause as Error).message}`, { cause });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new AppError("invalid", `${path} is not JSON; enrol this machine again`, { cause });
  }
  return checkAgentFile(value);
}

/** Writes agent.json whole or not at all. */
export const writeAgentFile = (stateDir: string, file: AgentFile): Promise<void> =>
  writeFileAtomic(join(stateDir, "agent.json"), `${JSON.stringify(checkAgentFile(file), null, 2)}\n`, { mode: 0o644, sync: true });
