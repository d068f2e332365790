import type { LiveServerMessage, Permission } from "@devflow/api";
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
  /** Ends the subscription, since what it is about is not there any more for this principal, and says so. */
  drop(): void;
}

/** A kind of live topic: "servers", or "server" with an id behind the colon. */
export interface Topic<Start = unknown> {
  readonly name: string;
  readonly permission: Permission;
  /** Whether the topic is written NAME:ID. */
  readonly withId: boolean;
  /** What the id names: a kind that a feature registered with Api.scope. "somewhere" and absent as with routes. */
  readonly scope?: string;
  /** Settles from where on things count, before the subscription is answered; open() gets it. */
  prepare?(): Promise<Start>;
  /** Begins to send; returns what ends it. */
  open(subscriber: LiveSubscriber, id: string, start: Start): () => void;
}

export const liveText = (message: LiveServerMessage): string => JSON.stringify(message);
