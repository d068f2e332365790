import { features } from "../features.ts";
import { agentVersion } from "../version.ts";
import { readAgentFile, type AgentFile } from "../state/agent-file.ts";
import { loadCredentials, type Credentials } from "../state/credentials.ts";
import { readStatus } from "../status/socket.ts";
import { checkClock, checkGateway, checkName, checkPort } from "../doctor/network.ts";
import { checkCertificate, checkFolder, checkKeyFile, checkSpace } from "../doctor/machine.ts";
import { failed, fine, type Finding } from "../doctor/finding.ts";

/**
 * `devflow-agent doctor`: looks at everything between this agent and its controller and says in words what is wrong.
 * Returns the exit code: 0 when all is well, 1 otherwise. Says no Hello, so that a running agent is left alone.
 */
export async function doctor(stateDir: string, say: (line: string) => void): Promise<number> {
  let bad = false;
  const tell = (finding: Finding): boolean => {
    say(`${finding.ok ? "ok  " : "BAD "} ${finding.text}`);
    bad ||= !finding.ok;
    return finding.ok;
  };

  if (!tell(await checkFolder(stateDir))) return 1;
  let agent: AgentFile;
  let credentials: Credentials;
  try {
    agent = await readAgentFile(stateDir);
    tell(fine(`enrolled as ${agent.agentId} at ${agent.controllerHost}`));
    [credentials] = (await loadCredentials(stateDir)) as [Credentials];
  } catch (error) {
    tell(failed((error as Error).message));
    return 1;
  }
  tell(await checkKeyFile(stateDir));
  tell(checkCertificate(credentials, Date.now()));
  tell(await checkSpace(stateDir));

  const running = await readStatus(stateDir).catch(() => null); // not running: told below
  if (!running) tell(failed("no agent runs on this folder, or this user may not ask it: systemctl start devflow-agent"));
  else if (running.version !== agentVersion)
    tell(failed(`agent ${running.version} is running, ${agentVersion} is installed: systemctl restart devflow-agent`));
  else tell(fine(`agent ${running.version} is running (process ${running.pid})`));
  if (running?.spool.error) tell(failed(running.spool.error));
  const audit = await features.audit.lookAtCheckpoints(stateDir);
  const wrong = audit.wrong ?? running?.audit?.refused ?? null;
  if (wrong !== null) tell(failed(`audit checkpoints: ${wrong}`));
  else if (audit.newest !== null) tell(fine(`${audit.kept} audit checkpoints are kept, the newest at row ${audit.newest}`));

  if (tell(await checkName(agent.controllerHost)) && tell(await checkPort(agent.controllerHost, agent.gatewayPort, "gateway"))) {
    tell(await checkGateway(agent, credentials, stateDir));
  }
  tell(await checkClock(agent, stateDir, running?.clock.settled ? running.clock.wallAheadMs : null));
  say(bad ? "Something is wrong; see the lines marked BAD." : "All is well.");
  return bad ? 1 : 0;
}
