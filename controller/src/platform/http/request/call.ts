import type { Context as HonoContext } from "hono";

/** What the listener tells beside the request itself. */
export interface Bindings {
  incoming: { socket: { remoteAddress?: string | undefined } };
}

export interface Env {
  Bindings: Partial<Bindings>;
  Variables: { requestId: string };
}

/** One request on its way: hono's context, with the request's id set before any step runs. */
export type Call = HonoContext<Env>;
