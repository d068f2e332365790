import { parseArgs } from "node:util";
import { AppError } from "@devflow/errors";
import { doctor } from "./commands/doctor.ts";
import { enrol } from "./commands/enrol.ts";
import { run } from "./commands/run.ts";
import { status } from "./commands/status.ts";
import { readConfig } from "./config.ts";
import { features } from "./features.ts";
import { createLog } from "./log.ts";
import { agentVersion } from "./version.ts";

const usage = `devflow-agent ${agentVersion}

  devflow-agent enrol --host HOST --ca FINGERPRINT [--enrol-port 8444] [--token TOKEN]
                                         give this machine its identity
  devflow-agent run                      connect to the controller and stay
  devflow-agent status [--json]          what the running agent does (exit code 0: connected)
  devflow-agent doctor                   look for what is wrong (exit code 0: nothing)
  devflow-agent audit-checkpoints        what this server holds of the controller's audit log, for
                                         devflow admin verify-audit --checkpoint FILE
  devflow-agent version

The folder is /var/lib/devflow-agent, or DEVFLOW_AGENT_STATE_DIR.`;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function main(args: readonly string[]): Promise<number> {
  const [command, ...rest] = args;
  const config = readConfig();
  const { stateDir } = config;
  switch (command) {
    case "run": {
      parseArgs({ args: rest, options: {} });
      const log = createLog(config.logLevel, process.stdout.isTTY);
      const metrics = features.metrics();
      await run({
        stateDir,
        log,
        metrics: [metrics],
        inventory: features.inventory(metrics.listeners),
        renewExpired: features.enrolment.renewExpired,
        checkpoints: await features.audit.createCheckpointKeeper({ stateDir, log }),
      });
      return 0;
    }
    case "enrol": {
      const text = { type: "string" } as const;
      const { values } = parseArgs({ args: rest, options: { host: text, "enrol-port": text, ca: text, token: text } });
      const token = values.token ?? config.token ?? undefined;
      return await enrol(stateDir, { host: values.host, enrolPort: values["enrol-port"], ca: values.ca, token }, say);
    }
    case "status":
      return await status(stateDir, parseArgs({ args: rest, options: { json: { type: "boolean" } } }).values.json ?? false, say);
    case "doctor":
      return await doctor(stateDir, say);
    case "audit-checkpoints":
      parseArgs({ args: rest, options: {} });
      for (const line of await features.audit.checkpointLines(stateDir)) say(line);
      return 0;
    case "version":
      say(agentVersion);
      return 0;
    case undefined:
    case "help":
    case "--help":
      say(usage);
      return command === undefined ? 2 : 0;
    default:
      throw new AppError("invalid", `There is no command ${JSON.stringify(command)}\n\n${usage}`);
  }
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    const known = error instanceof AppError || (error as NodeJS.ErrnoException).code?.startsWith("ERR_PARSE_ARGS");
    process.stderr.write(`${known ? (error as Error).message : (error as Error).stack}\n`);
    process.exit(1);
  },
);
