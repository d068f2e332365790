import { EventEmitter } from "node:events";
import type { LiveServerMessage } from "@devflow/api";

/** Everything that parts of the controller tell each other. References only; live frames are the exception. */
export interface Events {
  /** State, name, facts or warnings of a server changed. Its newest values do so all the time and are read where they are shown. */
  "server.changed": { organizationId: string; serverId: string };
  "server.removed": { organizationId: string; serverId: string };
  /** The server's identity was revoked or it was deleted: end its connection now. */
  "server.revoked": { serverId: string; reason: string };
  /** How many browsers watch a server at 1 s; the gateway turns live mode on at the first and off after the last. */
  "live.watchers": { serverId: string; watchers: number };
  "live.frame": Extract<LiveServerMessage, { type: "frame" }>;
  /** The seconds before live mode was turned on, oldest first. */
  "live.history": { serverId: string; frames: Extract<LiveServerMessage, { type: "frame" }>[] };
  /** A user, session or token lost its rights: close its sockets. */
  "principal.revoked": { kind: "user" | "token" | "session"; id: string };
}

export interface Bus {
  emit<K extends keyof Events>(name: K, event: Events[K]): void;
  /** Returns the function that ends the subscription. A handler that throws is reported to onError and harms no other. */
  on<K extends keyof Events>(name: K, handler: (event: Events[K]) => void): () => void;
}

/** Bus of one process. */
export function createBus(onError: (error: unknown) => void): Bus {
  const emitter = new EventEmitter().setMaxListeners(0);
  return {
    emit: (name, event) => void emitter.emit(name, event),
    on: (name, handler) => {
      const guarded = (event: unknown) => {
        try {
          handler(event as never);
        } catch (error) {
          onError(error);
        }
      };
      emitter.on(name, guarded);
      return () => void emitter.off(name, guarded);
    },
  };
}
