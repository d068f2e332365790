import type { LiveServerMessage, Permission } from "@devflow/api";
import type { Scope } from "../../auth/decide.ts";
import type { Principal } from "../../auth/principal.ts";

/** One browser's subscription to one topic. */
export interface LiveSubscriber {
  readonly principal: Principal;
  /** False while the browser is too slow: what has to be gathered is better gathered until it is true again. */
  readonly ready: boolean;
  /**
   * Sends now, or, while the browser is too slow, keeps the newest message of this subscription for later.
   * @param text JSON of a LiveServerMessage, so that one text serves many subscribers
   */
  send(text: string): void;
}

/** A kind of live topic: "servers", or "server" with an id behind the colon. */
export interface Topic {
  readonly name: string;
  readonly permission: Permission;
  /** Whether the topic is written NAME:ID. */
  readonly withId: boolean;
  /** Where what the id names belongs; null = not there. Topics without an id belong to the principal's organisation. */
  readonly scope?: (id: string) => Promise<Scope | null>;
  /** Begins to send; returns what ends it. */
  open(subscriber: LiveSubscriber, id: string): () => void;
}

export const liveText = (message: LiveServerMessage): string => JSON.stringify(message);
