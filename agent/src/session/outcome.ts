import { status, type StatusObject } from "@grpc/grpc-js";

/** How a connection ended, in words that `status` shows. */
export interface Outcome {
  /**
   * "lost" and "unreachable": back-off. "refused": only a person can lift it, slow retry. "expired": the certificate
   * ended and could not be renewed yet. "drained": the gateway asked.
   * "renewed": dial at once with the new certificate. "stopped": the agent ends.
   */
  readonly kind: "lost" | "unreachable" | "refused" | "expired" | "drained" | "renewed" | "stopped";
  readonly message: string;
  /** "drained": milliseconds to wait before jitter; "expired": until it may be renewed again. */
  readonly afterMs?: number;
  /** What is sent next must be sent alone: something in flight broke a bound of the gateway. */
  readonly boundBroken?: boolean;
  /** The gateway calls the certificate expired, whatever this machine's clock says. */
  readonly expired?: boolean;
}

/** What a refusal means to whoever runs the server. */
const refusals: Readonly<Record<string, string>> = {
  unknown: "The controller does not know this server: it was removed, or its database was restored; enrol it again or uninstall the agent",
  revoked: "This server was removed or its certificate revoked in DevFlow; enrol it again or uninstall the agent",
  cloned: "Another machine uses the same identity: this machine or the other one is a copy; enrol one of them again",
  quarantined: "The controller was restored from a backup and does not know this server yet; an administrator has to confirm it",
};

/** @param welcomed whether the gateway had answered Hello on this connection */
export function outcomeOf(end: Pick<StatusObject, "code" | "details">, welcomed: boolean): Outcome {
  const details = end.details || status[end.code] || "no reason given";
  switch (end.code) {
    case status.PERMISSION_DENIED:
    case status.UNAUTHENTICATED: {
      if (/^expired\b/i.test(details))
        return { kind: "unreachable", message: `The gateway says that this agent's certificate has expired (${details})`, expired: true };
      const word = Object.keys(refusals).find((name) => details.toLowerCase().includes(name));
      return {
        kind: "refused",
        message: word === undefined ? `The controller refuses this server: ${details}` : `${refusals[word]} (${details})`,
      };
    }
    case status.FAILED_PRECONDITION:
      return { kind: "refused", message: `This agent is too old or too new for the controller: ${details}; upgrade it` };
    case status.UNIMPLEMENTED:
      return { kind: "refused", message: `What answers is not a DevFlow gateway of this version: ${details}` };
    case status.INVALID_ARGUMENT:
    case status.RESOURCE_EXHAUSTED:
      return { kind: "lost", message: `The controller ended the connection because a bound was broken: ${details}`, boundBroken: true };
    default:
      return welcomed
        ? { kind: "lost", message: `Connection lost: ${plain(details)}` }
        : { kind: "unreachable", message: unreachable(details) };
  }
}

/** grpc-js wraps the cause: "No connection established. Last error: connect ECONNREFUSED 127.0.0.1:1 (…)". */
const plain = (details: string): string => details.replace(/^.*Last error: /s, "").replace(/\. Resolution note: $/, "");

/** What kept a connection from being made. Also used by `doctor`. */
export function unreachable(details: string): string {
  const cause = plain(details);
  const known: [RegExp, string][] = [
    [/ECONNREFUSED/, "Nothing listens at the gateway's address: the controller is stopped, or a firewall rejects the port"],
    [/ENOTFOUND|EAI_AGAIN|Name resolution failed/, "The controller's name cannot be resolved: check DNS"],
    [/ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|Deadline/i, "The gateway cannot be reached: a firewall drops the packets or the network is down"],
    [/CERT_NOT_YET_VALID|not yet valid/, "The gateway's certificate is not valid yet: this machine's clock is behind"],
    [/CERT_HAS_EXPIRED|certificate has expired/, "The gateway's certificate has expired, or this machine's clock is ahead"],
    [
      /SELF_SIGNED|UNABLE_TO_|unable to (get|verify)|self.signed/i,
      "The gateway's certificate is not from the CA that this agent was enrolled with: another installation answers, or somebody is in between",
    ],
    [
      /ALTNAME|does not match certificate/,
      "The gateway's certificate carries another name: another installation answers, or somebody is in between",
    ],
    [/alert.*(expired)/i, "The gateway says that this agent's certificate has expired"],
    [/alert/i, "The gateway refuses this agent's certificate"],
    [
      /wrong version number|packet length too long/i,
      "What answers at the gateway's port does not speak TLS: wrong port, or a proxy in between",
    ],
  ];
  const words = known.find(([pattern]) => pattern.test(cause))?.[1];
  return words === undefined ? `The gateway cannot be reached: ${cause}` : `${words} (${cause})`;
}
