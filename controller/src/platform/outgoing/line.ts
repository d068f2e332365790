import { Agent as PlainAgent } from "node:http";
import { Agent as TlsAgent } from "node:https";

/** Keeps one connection for requests that follow each other to the same place. End it with close(). */
export interface Line {
  /** What to connect by: the kept connection, if it leads to one of the addresses that were checked just now. */
  agent(protocol: string, addresses: readonly string[]): PlainAgent;
  /** Drops what is kept. */
  close(): void;
}

export function openLine(): Line {
  const agents = new Map<string, PlainAgent>();
  const drop = (): void => {
    for (const agent of agents.values()) agent.destroy();
    agents.clear();
  };
  return {
    agent(protocol, addresses) {
      let agent = agents.get(protocol);
      // No sessions are resumed: each new connection shows its certificate. An agent of one's own knows no proxy.
      if (agent === undefined)
        agents.set(
          protocol,
          (agent =
            protocol === "https:"
              ? new TlsAgent({ keepAlive: true, maxSockets: 1, maxCachedSessions: 0 })
              : new PlainAgent({ keepAlive: true, maxSockets: 1 })),
        );
      for (const socket of Object.values(agent.freeSockets).flat())
        if (socket !== undefined && !addresses.includes(socket.remoteAddress ?? "")) socket.destroy();
      return agent;
    },
    close: drop,
  };
}
