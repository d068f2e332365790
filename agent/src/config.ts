import { AppError } from "@devflow/errors";

/** Settings of the agent from the environment; the only reader of process.env here. The table is docs/operations/agent-files.md. */
export interface AgentConfig {
  /** DEVFLOW_AGENT_STATE_DIR. Default /var/lib/devflow-agent. */
  readonly stateDir: string;
  /** DEVFLOW_AGENT_LOG_LEVEL. Default info. */
  readonly logLevel: string;
  /** DEVFLOW_AGENT_TOKEN: an enrolment token that should not stand in a command line. */
  readonly token: string | null;
}

const known = ["DEVFLOW_AGENT_STATE_DIR", "DEVFLOW_AGENT_LOG_LEVEL", "DEVFLOW_AGENT_TOKEN"];
const levels = ["trace", "debug", "info", "warn", "error"];

/** Throws AppError invalid with a line for each wrong or unknown setting. */
export function readConfig(env: Record<string, string | undefined> = process.env): AgentConfig {
  const wrong = Object.keys(env)
    .filter((name) => name.startsWith("DEVFLOW_AGENT_") && !known.includes(name))
    .map((name) => `${name} is not a setting of the agent; there are ${known.join(", ")}`);
  const stateDir = env.DEVFLOW_AGENT_STATE_DIR || "/var/lib/devflow-agent";
  if (!stateDir.startsWith("/")) wrong.push(`DEVFLOW_AGENT_STATE_DIR: expected an absolute path, found ${JSON.stringify(stateDir)}`);
  const logLevel = env.DEVFLOW_AGENT_LOG_LEVEL || "info";
  if (!levels.includes(logLevel))
    wrong.push(`DEVFLOW_AGENT_LOG_LEVEL: expected one of ${levels.join(", ")}, found ${JSON.stringify(logLevel)}`);
  if (wrong.length > 0) throw new AppError("invalid", wrong.join("\n"));
  return { stateDir, logLevel, token: env.DEVFLOW_AGENT_TOKEN || null };
}
