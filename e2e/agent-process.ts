import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runtimeFlags } from "../agent/src/runtime-flags.ts";
import { writeAgentFile } from "../agent/src/state/agent-file.ts";
import { writeFirstCredentials } from "../agent/src/state/credentials.ts";
import type { ControllerProcess, EnrolledIdentity } from "./controller-process.ts";

const bundle = fileURLToPath(new URL("../dist/agent/devflow-agent.mjs", import.meta.url));

/** The agent as it is shipped, in a process of its own. */
export interface AgentProcess {
  readonly agentId: string;
  readonly stateDir: string;
  output(): string;
  /** What `devflow-agent status` prints. */
  status(): Promise<string>;
  end(signal: NodeJS.Signals): Promise<void>;
  /** Ends it and removes its folder. */
  remove(): Promise<void>;
}

export interface AgentProcessOptions {
  /** Default: the controller's own address. */
  readonly host?: string;
  readonly env?: Record<string, string>;
  /** Command that starts it: what stands before node. */
  readonly prefix?: readonly string[];
}

/** Writes what enrolment leaves and runs the agent. */
export async function startAgentProcess(
  controller: ControllerProcess,
  identity: EnrolledIdentity,
  options: AgentProcessOptions = {},
): Promise<AgentProcess> {
  const stateDir = await mkdtemp(join(tmpdir(), "devflow-agent-"));
  await writeFirstCredentials(stateDir, { ...identity, caPem: controller.caPem, taskSigningPem: "" });
  await writeAgentFile(stateDir, {
    controllerHost: options.host ?? "127.0.0.1",
    gatewayPort: controller.gatewayPort,
    enrolPort: controller.enrolPort,
    gatewayName: controller.gatewayName,
    agentId: identity.agentId,
  });
  return runAgent(stateDir, identity.agentId, options);
}

/** A copy of an agent's folder with an agent that runs on it, as when a virtual machine is cloned. */
export async function cloneAgentProcess(original: AgentProcess, options: AgentProcessOptions = {}): Promise<AgentProcess> {
  const stateDir = await mkdtemp(join(tmpdir(), "devflow-agent-"));
  await cp(original.stateDir, stateDir, { recursive: true, filter: (path) => !path.endsWith(".sock") });
  return runAgent(stateDir, original.agentId, options);
}

function runAgent(stateDir: string, agentId: string, { env = {}, prefix = [] }: AgentProcessOptions): AgentProcess {
  const run = (args: readonly string[], before: readonly string[], extra: Record<string, string>): ChildProcess => {
    const [command = process.execPath, ...rest] = [...before, process.execPath, ...runtimeFlags, bundle, ...args];
    return spawn(command, rest, { env: { PATH: process.env["PATH"], DEVFLOW_AGENT_STATE_DIR: stateDir, ...extra }, stdio: "pipe" });
  };
  const listen = (child: ChildProcess): (() => string) => {
    let printed = "";
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk: Buffer) => (printed += chunk.toString()));
    return () => printed;
  };
  const child = run(["run"], prefix, env);
  const output = listen(child);
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill(signal);
    await gone;
  };
  return {
    agentId,
    stateDir,
    output,
    async status() {
      const asked = run(["status"], [], {});
      const printed = listen(asked);
      await once(asked, "close");
      return printed();
    },
    end,
    async remove() {
      await end("SIGKILL");
      await rm(stateDir, { recursive: true, force: true });
    },
  };
}
