import { randomUUID } from "node:crypto";
import { EventEmitter } from "node:events";
import type { Events } from "./events.ts";

/** @param origin the process that emitted it; null: this one */
export type Handler<K extends keyof Events> = (event: Events[K], origin: string | null) => void;

export interface Bus {
  /** UUID of this process, new at each start. */
  readonly id: string;
  emit<K extends keyof Events>(name: K, event: Events[K]): void;
  /** Returns the function that ends the subscription. A handler that throws is reported to onError and harms no other. */
  on<K extends keyof Events>(name: K, handler: Handler<K>): () => void;
}

/** What carries events between processes needs both ends. */
export interface ProcessBus extends Bus {
  /** Tells this process what another one emitted. */
  receive<K extends keyof Events>(name: K, event: Events[K], origin: string): void;
  /** Called with everything that this process emits. */
  onEmit(handler: (name: keyof Events, event: object) => void): () => void;
}

/** Bus of one process; joinDatabaseBus() and platform/peers connect those of an installation. */
export function createBus(onError: (error: unknown) => void, id: string = randomUUID()): ProcessBus {
  const emitter = new EventEmitter().setMaxListeners(0);
  const emitted = new Set<(name: keyof Events, event: object) => void>();
  return {
    id,
    emit(name, event) {
      emitter.emit(name, event, null);
      for (const handler of emitted) handler(name, event);
    },
    receive: (name, event, origin) => void emitter.emit(name, event, origin),
    on(name, handler) {
      const guarded = (event: unknown, origin: string | null) => {
        try {
          handler(event as never, origin);
        } catch (error) {
          onError(error);
        }
      };
      emitter.on(name, guarded);
      return () => void emitter.off(name, guarded);
    },
    onEmit(handler) {
      emitted.add(handler);
      return () => void emitted.delete(handler);
    },
  };
}
