import type { Context } from "../../context.ts";
import type { RegisteredRoute } from "../registry.ts";
import type { RouteRequest } from "../route.ts";
import type { Call } from "./call.ts";
import type { Identify } from "./identify.ts";
import { once } from "./once.ts";
import { type OnRefused, permit, type ScopeOf } from "./permit.ts";
import { readInput } from "./read-input.ts";
import { respond } from "./respond.ts";
import { runVerb } from "./run-verb.ts";
import { stepUp } from "./step-up.ts";

/** What the steps stand on. */
export interface PipelineParts {
  readonly ctx: Context;
  readonly identify: Identify;
  /** The same, and counted. */
  readonly admit: Identify;
  readonly scopeOf: ScopeOf;
  readonly onRefused: OnRefused;
}

/**
 * One route's way from request to answer, the same for all. A step is a function in a file of its own and a line
 * here: it reads the call, sets headers of the answer on it (they stay on refusals too), and throws AppError to refuse.
 */
export function routePipeline({ ctx, identify, admit, scopeOf, onRefused }: PipelineParts, { definition, handler }: RegisteredRoute) {
  const enter = definition.limited === false ? identify : admit;
  return async (call: Call): Promise<Response> => {
    const { principal, identity, address } = await enter(call);
    const params = call.req.param() as Record<string, string>;
    await permit(definition, principal, params, scopeOf, onRefused);
    await stepUp(ctx, definition, identity);
    const { query, body, bytes } = await readInput(definition, call);
    const request = { principal, identity, address, params, query, body, headers: call.req.raw.headers, requestId: call.get("requestId") };
    const outcome = await once(ctx, definition, call, principal, bytes, () => runVerb(definition, handler, request as RouteRequest));
    // Whatever changed something has written events by now.
    if (definition.method !== "get") ctx.bus.emit("events.written", {});
    return respond(definition, call, outcome);
  };
}
