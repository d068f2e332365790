import type { Context } from "../../context.ts";
import { histogram } from "../../observability/index.ts";
import type { RegisteredRoute } from "../registry.ts";
import type { RouteRequest } from "../route.ts";
import type { Call } from "./call.ts";
import { type Identify, nobody } from "./identify.ts";
import { once } from "./once.ts";
import { type OnRefused, permit, type ScopeOf } from "./permit.ts";
import { deprecationHeaders } from "./deprecation.ts";
import type { UnderCondition } from "./precondition.ts";
import { type Input, readInput } from "./read-input.ts";
import { type ReadyAnswers, readyKey } from "./ready-answers.ts";
import { plainBody, ready, respond, respondReady } from "./respond.ts";
import { runVerb } from "./run-verb.ts";
import { stepUp } from "./step-up.ts";

/** What the steps stand on. */
export interface PipelineParts {
  readonly ctx: Context;
  /** Settles who asks, and counts the request. */
  readonly admit: Identify;
  readonly scopeOf: ScopeOf;
  readonly onRefused: OnRefused;
  readonly readyAnswers: ReadyAnswers;
  readonly underCondition: UnderCondition;
}

/**
 * One route's way from request to answer, the same for all. A step is a function in a file of its own and a line
 * here: it reads the call, sets headers of the answer on it (they stay on refusals too), and throws AppError to refuse.
 */
export function routePipeline(parts: PipelineParts, route: RegisteredRoute) {
  const { ctx, admit, scopeOf, onRefused, readyAnswers, underCondition } = parts;
  const { definition, handler, get } = route;
  const enter = definition.limited === false ? nobody : admit;
  const sunset = deprecationHeaders(definition);
  const checkSeconds = histogram(
    "devflow_http_check_seconds",
    "Time that finding out who asks, counting and deciding took",
    [0.00005, 0.0001, 0.0002, 0.0003, 0.001, 0.01, 0.1, 1],
  );
  return async (call: Call): Promise<Response> => {
    const began = performance.now();
    const { principal, identity, address } = await enter(call);
    for (const [name, value] of sunset) call.header(name, value);
    const params = call.req.param() as Record<string, string>;
    await permit(definition, principal, params, scopeOf, onRefused);
    checkSeconds.observe((performance.now() - began) / 1000);
    await stepUp(ctx, definition, identity);
    const requestOf = ({ query, body }: Pick<Input, "query" | "body">) =>
      ({
        principal,
        identity,
        address,
        params,
        query,
        body,
        headers: call.req.raw.headers,
        requestId: call.get("requestId"),
      }) as RouteRequest;
    if (definition.shared === true && principal !== null) {
      const make = async () =>
        ready(definition, plainBody(await runVerb(definition, handler, requestOf(await readInput(definition, call)))));
      const key = readyKey(definition, principal, call.req.path, searchOf(call.req.url));
      const answer = readyAnswers.get(key, principal.organizationId, make);
      return respondReady(call, answer instanceof Promise ? await answer : answer);
    }
    const input = await readInput(definition, call);
    const read = async (thing: RegisteredRoute) => {
      await permit(thing.definition, principal, params, scopeOf, onRefused);
      return (await runVerb(thing.definition, thing.handler, requestOf({ query: {}, body: undefined }))).body;
    };
    const outcome = await once(ctx, definition, call, principal, input.bytes, () =>
      underCondition(route, call, read, () => runVerb(definition, handler, requestOf(input))),
    );
    // Whatever changed something has written events by now.
    if (definition.method !== "get") {
      ctx.bus.emit("events.written", {});
      if (principal !== null) readyAnswers.changed(principal.organizationId);
    }
    return respond(definition, get?.definition ?? null, call, outcome);
  };
}

/** "?limit=1" of an address; empty without one. */
const searchOf = (url: string): string => {
  const at = url.indexOf("?");
  return at < 0 ? "" : url.slice(at);
};
