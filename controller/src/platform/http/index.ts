import type { Auth, Scope } from "../auth/index.ts";
import type { Topic } from "./live/topic.ts";
import type { Handler, RouteDefinition } from "./route.ts";

export { defineRoute, Reply, type RouteDefinition, type RouteRequest } from "./route.ts";
export { demandConfirmed } from "./request/step-up.ts";
export type { LiveSubscriber, Topic } from "./live/topic.ts";

/** What features add their routes and live topics to. */
export interface Api {
  readonly auth: Auth;
  /** Fires when the listener is about to close: answers that would go on for ever end now. */
  readonly closing: AbortSignal;
  /** Throws Error when the definition has no permission or its method and path are taken. */
  route<D extends RouteDefinition>(definition: D, handler: Handler<D>): void;
  topic(topic: Topic): void;
  /**
   * Says how to find out where a kind of thing belongs, for example "server"; routes and topics name the kind.
   * @param find organisation of an id; null when it is not there. A kind that may be in several organisations (people)
   *   is looked for in that of whoever asks
   */
  scope(kind: string, find: (id: string, organizationId: string) => Promise<Scope | null>): void;
  /**
   * Files that are open to everybody, such as those that a server needs before it is known. GET and HEAD only.
   * @param paths exact, or ending in "/*"
   */
  openFiles(paths: readonly string[], fetch: (request: Request) => Response | Promise<Response>): void;
  readonly openPaths: readonly string[];
  readonly routes: readonly RouteDefinition[];
  readonly topics: readonly Topic[];
}
