import { lookup } from "node:dns/promises";
import { readFile } from "node:fs/promises";
import { request } from "node:https";
import { connect } from "node:net";
import { join } from "node:path";
import { status, type StatusObject } from "@grpc/grpc-js";
import { formatDuration } from "@devflow/units";
import { dial } from "../session/dial.ts";
import { outcomeOf, unreachable } from "../session/outcome.ts";
import type { AgentFile } from "../state/agent-file.ts";
import type { Credentials } from "../state/credentials.ts";
import { failed, fine, type Finding } from "./finding.ts";

const WAIT_MS = 5_000;
/** Name in the enrolment listener's certificate, the same for every installation. */
const ENROLMENT_NAME = "enrol.devflow.internal";
const CLOCK_OFF_MS = 60_000;

export async function checkName(host: string): Promise<Finding> {
  try {
    const { address } = await lookup(host);
    return fine(address === host ? `${host} is an address` : `${host} is ${address}`);
  } catch (error) {
    return failed(
      `the name ${host} cannot be resolved (${(error as NodeJS.ErrnoException).code ?? String(error)}): check DNS and /etc/resolv.conf`,
    );
  }
}

export function checkPort(host: string, port: number, what: string): Promise<Finding> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: WAIT_MS });
    const end = (finding: Finding): void => {
      socket.destroy();
      resolve(finding);
    };
    socket.on("connect", () => end(fine(`port ${port} of ${host} can be reached (${what})`)));
    socket.on("timeout", () =>
      end(
        failed(
          `port ${port} of ${host} does not answer within ${WAIT_MS / 1000} s (${what}): a firewall drops the packets or the host is down`,
        ),
      ),
    );
    socket.on("error", (error: NodeJS.ErrnoException) => end(failed(`${unreachable(error.message)}: port ${port} of ${host} (${what})`)));
  });
}

/** TLS both ways, and whether the gateway takes this identity. Opens a stream and says nothing on it. */
export async function checkGateway(agent: AgentFile, credentials: Credentials, stateDir: string): Promise<Finding> {
  let channel: ReturnType<typeof dial>;
  try {
    channel = dial(agent, credentials, await readFile(join(stateDir, "ca.pem"), "utf8"));
  } catch (error) {
    return failed(`ca.pem cannot be used: ${(error as Error).message}; enrol this machine again`);
  }
  const stream = channel.session();
  stream.on("error", () => undefined); // "status" tells the same
  stream.on("data", () => undefined);
  const ended = new Promise<StatusObject>((resolve) => stream.on("status", resolve));
  // Over a good connection nothing happens until Hello; a refusal comes at once.
  const quiet = new Promise<null>((resolve) => setTimeout(resolve, 2_000, null));
  const end = await Promise.race([ended, quiet]);
  stream.cancel();
  channel.close();
  if (end === null || end.code === status.DEADLINE_EXCEEDED) return fine("the gateway shows the right certificate and takes ours");
  return failed(outcomeOf(end, false).message);
}

/** @param knownAheadMs what a running agent has measured; null: the Date header of the enrolment listener is read */
export async function checkClock(agent: AgentFile, stateDir: string, knownAheadMs: number | null): Promise<Finding> {
  let aheadMs = knownAheadMs;
  if (aheadMs === null) {
    try {
      aheadMs = Date.now() - (await listenerDate(agent, await readFile(join(stateDir, "ca.pem"), "utf8")));
    } catch (error) {
      return failed(
        `the clock cannot be compared, since the enrolment port ${agent.enrolPort} gives no answer: ${unreachable((error as Error).message)}`,
      );
    }
  }
  const words = `${formatDuration(Math.abs(aheadMs) / 1000)} ${aheadMs > 0 ? "ahead of" : "behind"} the controller's`;
  if (Math.abs(aheadMs) > CLOCK_OFF_MS) return failed(`this machine's clock is ${words}: set it, and turn time synchronisation on`);
  return fine(`this machine's clock is ${words}`);
}

function listenerDate(agent: AgentFile, ca: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request({
      host: agent.controllerHost,
      port: agent.enrolPort,
      method: "HEAD",
      path: "/",
      ca,
      servername: ENROLMENT_NAME,
      timeout: WAIT_MS,
      agent: false,
    });
    asked.on("response", (response) => {
      response.resume();
      const date = Date.parse(response.headers.date ?? "");
      if (Number.isNaN(date)) reject(new Error("the answer has no Date"));
      else resolve(date);
    });
    asked.on("timeout", () => asked.destroy(new Error("ETIMEDOUT")));
    asked.on("error", reject);
    asked.end();
  });
}
