import type { LiveServerMessage } from "@devflow/api";

/**
 * Everything that parts of the controller tell each other. References only; live frames are the exception. Emit after
 * the commit: whoever hears of it reads the database, perhaps in another process. What comes from another process may
 * come twice, late or in another order.
 */
export interface Events {
  /** State, name, facts or warnings of a server changed. Its newest values do so all the time and are read where they are shown. */
  "server.changed": { organizationId: string; serverId: string };
  "server.removed": { organizationId: string; serverId: string };
  /** The server's identity was revoked or it was deleted: end its connection now. */
  "server.revoked": { serverId: string; reason: string };
  /** A gateway took the agent's session over from another one; older epochs end. */
  "session.taken": { serverId: string; gatewayId: string; epoch: number };
  /**
   * How many browsers of one process (the origin) watch a server at 1 s; a gateway turns live mode on at the first and
   * off after the last. createWatchers() counts over all origins.
   */
  "live.watchers": { serverId: string; watchers: number };
  "live.frame": Extract<LiveServerMessage, { type: "frame" }>;
  /** The seconds before live mode was turned on, oldest first. */
  "live.history": { serverId: string; frames: Extract<LiveServerMessage, { type: "frame" }>[] };
  /** A user, session or token lost its rights: close its sockets. */
  "principal.revoked": { kind: "user" | "token" | "session"; id: string };
  /** Events were written: whoever follows them looks at the table. Those who write in a job or at the gateway say so; requests do by themselves. */
  "events.written": Record<never, never>;
  /** A controller process started, stopped or was given up: read the table again. */
  "controllers.changed": Record<never, never>;
  /** Mails wait to be sent. */
  "mail.queued": Record<never, never>;
  /** Events of other processes may have been missed: flush what is cached and read it again. */
  "bus.resumed": Record<never, never>;
}

/**
 * How far an event goes:
 * - "process": this process alone;
 * - "watchers": between a gateway and the processes whose browsers watch, over a connection of their own (platform/peers);
 * - "everywhere": to all processes of the installation by the database, gathered for up to 100 ms when there are many;
 * - "at once": the same, before everything that waits.
 */
export type Reach = "process" | "watchers" | "everywhere" | "at once";

export const reach: { readonly [K in keyof Events]: Reach } = {
  "server.changed": "everywhere",
  "server.removed": "everywhere",
  "server.revoked": "at once",
  "session.taken": "at once",
  "live.watchers": "watchers",
  "live.frame": "watchers",
  "live.history": "watchers",
  "principal.revoked": "at once",
  "events.written": "at once",
  "controllers.changed": "at once",
  "mail.queued": "everywhere",
  "bus.resumed": "process",
};
