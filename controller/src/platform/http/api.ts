import { Hono } from "hono";
import { clientAddress, plainAddress, trustedProxies } from "../auth/address.ts";
import type { Auth } from "../auth/index.ts";
import type { Context } from "../context.ts";
import type { RequestLimits } from "../limits/index.ts";
import type { Api } from "./index.ts";
import { createRegistry } from "./registry.ts";
import type { Bindings, Env } from "./request/call.ts";
import { envelope } from "./request/envelope.ts";
import { createIdentify } from "./request/identify.ts";
import { createAdmit } from "./request/admit.ts";
import { type Count, createCount, createSpent, type Spent } from "./request/limit.ts";
import type { OnRefused, ScopeOf } from "./request/permit.ts";
import { routePipeline } from "./request/pipeline.ts";
import { createUnderCondition } from "./request/precondition.ts";
import { createReadyAnswers } from "./request/ready-answers.ts";
import { answerError, answerNoMethod, answerNoRoute, type Page } from "./request/refuse.ts";

export interface HttpApi extends Api {
  /** Web-standard handler of all routes. */
  readonly fetch: (request: Request, env?: Partial<Bindings>) => Response | Promise<Response>;
  readonly scopeOf: ScopeOf;
  /** Ends registration; throws Error when something is missing. */
  seal(): void;
  /** Ends answers that would go on for ever. */
  close(): void;
  /** Answers GET and HEAD of paths that are no route: the web UI. Set once. */
  fallback(page: Page): void;
  /** Counts a request that does not come by fetch; null: no limit. */
  readonly count: Count;
  /** Asked before credentials are looked up that may be made up; null: look. */
  readonly spent: Spent;
  clientAddress(peer: string | undefined, forwardedFor: string | null): string | null;
  /** Whether an address belongs to a trusted proxy. */
  isProxy(address: string): boolean;
}

export interface ApiOptions {
  /** Null: nothing is counted. */
  readonly limits?: RequestLimits | null;
  readonly onRefused?: OnRefused;
}

/** hono writes "/servers/{id}" as "/servers/:id". */
const honoPath = (path: string) => path.replaceAll(/\{(\w+)\}/g, ":$1");

/**
 * The HTTP side of the controller. Features register (registry.ts); every request then runs the same way
 * (request/pipeline.ts): who asks, and not too often → may they → is it well formed → the verb → the answer. Whatever goes wrong becomes
 * problem+json (request/refuse.ts).
 */
export function createApi(ctx: Context, auth: Auth, { limits = null, onRefused = () => {} }: ApiOptions = {}): HttpApi {
  const registry = createRegistry();
  const trusted = trustedProxies(ctx.config.trustedProxies);
  const spent: Spent = limits === null ? () => null : createSpent(limits, ctx.config.rateLimit, () => ctx.clock.now());
  const identify = createIdentify(auth, ctx.config.publicUrl, trusted, spent);
  const count: Count = limits === null ? async () => null : createCount(limits, ctx.config.rateLimit);
  const admit = createAdmit(identify, count);
  const app = new Hono<Env>();
  let page: Page = () => null;
  const closing = new AbortController();
  let sealed = false;

  app.use(envelope(ctx.config.publicUrl?.protocol ?? null, trusted));
  const refuse = answerError(ctx.log);
  app.onError(refuse);
  const noRoute = answerNoRoute(admit, (path, headers) => page(path, headers));
  // Refused here: what notFound throws goes past the envelope, and its answer would have no id and no safe headers.
  app.notFound((call) => noRoute(call).catch((error: Error) => refuse(error, call)));

  const seal = () => {
    const { files, routes, paths } = registry.seal();
    const readyAnswers = createReadyAnswers({ now: () => ctx.clock.now() });
    const underCondition = createUnderCondition(ctx);
    const parts = { ctx, admit, scopeOf: registry.scopeOf, onRefused, readyAnswers, underCondition };
    for (const { path, fetch } of files) app.get(path, (call) => fetch(call.req.raw));
    for (const route of routes) app.on(route.definition.method.toUpperCase(), honoPath(route.definition.path), routePipeline(parts, route));
    // After the routes, so that only what none of them takes gets here.
    for (const { path, allowed, open } of paths) app.all(honoPath(path), answerNoMethod(admit, allowed, open));
    sealed = true;
  };

  return {
    ...registry,
    auth,
    count,
    spent,
    closing: closing.signal,
    seal,
    close: () => closing.abort(),
    fallback: (handler) => void (page = handler),
    clientAddress: (peer, forwardedFor) => clientAddress(peer, forwardedFor, trusted),
    isProxy: (address) => trusted(plainAddress(address)),
    fetch: (request, env = {}) => {
      if (!sealed) seal();
      return app.fetch(request, env);
    },
  };
}
