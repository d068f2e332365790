import { startAgent, type AgentOptions } from "../agent.ts";
import { giveBackStartMemory } from "../host/memory.ts";
import { serveStatus } from "../status/socket.ts";

/**
 * `devflow-agent run`: until SIGTERM or SIGINT. Throws AppError when this machine is not enrolled or an agent already
 * runs on the folder.
 */
export async function run(options: AgentOptions): Promise<void> {
  const { log, stateDir } = options;
  const stop = Promise.withResolvers<NodeJS.Signals>();
  const onSignal = (signal: NodeJS.Signals): void => stop.resolve(signal);
  process.on("SIGTERM", onSignal).on("SIGINT", onSignal);
  let agent: Awaited<ReturnType<typeof startAgent>> | null = null;
  const closeStatus = await serveStatus(stateDir, () => {
    if (!agent) throw new Error("the agent is starting");
    return agent.status();
  });
  try {
    agent = await startAgent(options);
    log.info({ agentId: agent.agentId, stateDir }, "agent started");
    giveBackStartMemory();
    log.info({ signal: await stop.promise }, "agent stops");
    await agent.stop();
  } finally {
    await closeStatus();
  }
}
