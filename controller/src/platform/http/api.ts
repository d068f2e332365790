import { randomUUID } from "node:crypto";
import { permissions } from "@devflow/api";
import { AppError } from "@devflow/errors";
import { Hono, type Context as Hctx } from "hono";
import { clientAddress, trustedProxies } from "../auth/address.ts";
import { demandPermission } from "../auth/decide.ts";
import { type Auth, type Identity, type Principal, principalOf, type Scope } from "../auth/index.ts";
import { isOwnOrigin } from "../auth/origin.ts";
import type { Context } from "../context.ts";
import { databaseUnavailable } from "../db/index.ts";
import { counter, histogram } from "../observability/index.ts";
import { compressedJson } from "./compress.ts";
import { withIdempotencyKey } from "./idempotency.ts";
import type { Api } from "./index.ts";
import type { Topic } from "./live/topic.ts";
import { toProblem } from "./problem.ts";
import { parseBody, readBody, readQuery } from "./read-input.ts";
import { type Handler, Reply, type RouteDefinition } from "./route.ts";
import { apiPolicy, securityHeaders } from "./security-headers.ts";

export interface Bindings {
  incoming: { socket: { remoteAddress?: string | undefined } };
}
type C = Hctx<{ Bindings: Partial<Bindings>; Variables: { requestId: string; identity: Identity | null } }>;

const demands: readonly string[] = ["public", "authenticated", ...permissions];
/** A request that took longer is answered with 504; what it does in the database ends by itself. */
const handlerTimeoutMs = 30_000;

export interface HttpApi extends Api {
  /** Web-standard handler of all routes. */
  readonly fetch: (request: Request, env?: Partial<Bindings>) => Response | Promise<Response>;
  /** Where the thing of that kind and id belongs; null when it is not there. */
  scopeOf(kind: string, id: string): Promise<Scope | null>;
  /** Ends registration; throws Error when something is missing. */
  seal(): void;
  /** Answers GET and HEAD of paths that are no route: the web UI. Set once. */
  fallback(handler: (path: string, headers: Headers) => Response | null): void;
  clientAddress(peer: string | undefined, forwardedFor: string | null): string | null;
}

/** Notes what an authenticated principal was refused; see platform/audit/refusals. */
export type OnRefused = (principal: Principal, action: string) => void;

/**
 * The HTTP side of the controller. Every request runs the same way: who asks → may they → is it well formed → the
 * verb; whatever goes wrong becomes problem+json.
 */
export function createApi(ctx: Context, auth: Auth, onRefused: OnRefused = () => {}): HttpApi {
  const routes: RouteDefinition[] = [];
  const handlers = new Map<RouteDefinition, Handler<RouteDefinition>>();
  const topics: Topic[] = [];
  const openPaths: string[] = [];
  const scopes = new Map<string, (id: string) => Promise<Scope | null>>();
  const scopeOf = (kind: string, id: string) => scopes.get(kind)?.(id) ?? Promise.resolve(null);
  const trusted = trustedProxies(ctx.config.trustedProxies);
  const https = ctx.config.publicUrl?.protocol === "https:";
  const common = securityHeaders(https);
  const requests = counter("devflow_http_requests_total", "Answers of the web port", ["method", "status"]);
  const requestSeconds = histogram(
    "devflow_http_request_seconds",
    "Time from a request's head to its answer's",
    [0.005, 0.02, 0.1, 0.5, 2, 10],
  );
  const app = new Hono<{ Bindings: Partial<Bindings>; Variables: { requestId: string; identity: Identity | null } }>();
  let page: ((path: string, headers: Headers) => Response | null) | null = null;

  const addressOf = (c: C) => clientAddress(c.env?.incoming?.socket.remoteAddress, c.req.header("x-forwarded-for") ?? null, trusted);

  /** Settles who asks; throws forbidden for a foreign page that uses somebody's cookie. */
  const identify = async (c: C): Promise<Identity | null> => {
    const headers = c.req.raw.headers;
    const found = await auth.authenticate(headers, { address: addressOf(c), userAgent: headers.get("user-agent") });
    const safe = c.req.method === "GET" || c.req.method === "HEAD";
    // Without credentials a foreign page may not sign its visitor in either; programs send no Origin and are let through.
    if (!safe && (found === null || found.viaCookie)) {
      const facts = {
        origin: headers.get("origin"),
        fetchSite: headers.get("sec-fetch-site"),
        host: headers.get("host") ?? new URL(c.req.url).host,
      };
      if (!isOwnOrigin(facts, ctx.config.publicUrl, found === null)) {
        throw new AppError(
          "forbidden",
          `This request came from another site${facts.origin === null ? " or has no Origin header" : ` (${facts.origin.slice(0, 200)})`}; open DevFlow itself, or use an API token`,
        );
      }
    }
    found?.cookies.forEach((cookie) => c.header("set-cookie", cookie, { append: true }));
    return found?.identity ?? null;
  };

  app.use(async (c, next) => {
    const requestId = randomUUID();
    c.set("requestId", requestId);
    c.set("identity", null);
    const began = performance.now();
    await next();
    requestSeconds.observe((performance.now() - began) / 1000);
    requests.inc({ method: c.req.method.length < 8 ? c.req.method : "other", status: String(c.res.status) });
    for (const [name, value] of common) c.res.headers.set(name, value);
    if (!c.res.headers.has("content-security-policy")) c.res.headers.set("content-security-policy", apiPolicy);
    if (!c.res.headers.has("cache-control")) c.res.headers.set("cache-control", "no-store");
    c.res.headers.set("x-request-id", requestId);
  });

  app.onError((error, c) => {
    const requestId = c.get("requestId") ?? randomUUID();
    if (!(error instanceof AppError) || error.httpStatus >= 500) {
      ctx.log.error({ scope: "http", err: error, requestId, method: c.req.method, path: c.req.path }, "request failed");
    }
    const { problem, headers } = toProblem(databaseUnavailable(error) ?? error, requestId);
    return c.body(JSON.stringify(problem), problem.status as 500, headers);
  });

  app.notFound(async (c) => {
    const api = c.req.path.startsWith("/api/") || c.req.path === "/api" || c.req.path.startsWith("/metrics");
    if (!api && page !== null && (c.req.method === "GET" || c.req.method === "HEAD")) {
      const answer = page(c.req.path, c.req.raw.headers);
      if (answer !== null) return answer;
    }
    // Without credentials nothing tells which routes exist.
    if (api) demandPermission(await identifyAny(c), "authenticated");
    throw new AppError(
      "not_found",
      `There is nothing at ${c.req.method} ${c.req.path.slice(0, 200)}; docs/api.md and /api/docs list what there is`,
    );
  });

  const identifyAny = async (c: C) => {
    const identity = await identify(c);
    c.set("identity", identity);
    return identity === null ? null : principalOf(identity, addressOf(c), c.get("requestId"));
  };

  const register = (definition: RouteDefinition, handler: Handler<RouteDefinition>) => {
    const path = definition.path.replaceAll(/\{(\w+)\}/g, ":$1");
    app.on(definition.method.toUpperCase(), path, async (c: C) => {
      const requestId = c.get("requestId");
      const principal = await identifyAny(c);
      const identity = c.get("identity");
      if (definition.permission !== "public") demandPermission(principal, "authenticated");
      const params = c.req.param() as Record<string, string>;
      if (definition.params !== undefined && !definition.params.safeParse(params).success)
        demandPermission(principal, definition.permission, null);
      const scope = definition.scope === undefined ? undefined : await scopeOf(definition.scope, params["id"] ?? "");
      try {
        demandPermission(principal, definition.permission, scope);
      } catch (error) {
        if (principal !== null) onRefused(principal, `${definition.method} ${definition.path}`);
        throw error;
      }
      const query = readQuery(definition.query, new URL(c.req.url).searchParams);
      const bytes = definition.method === "get" ? Buffer.alloc(0) : await readBody(c.req.raw);
      const body = definition.method === "get" ? undefined : parseBody(definition.body, c.req.header("content-type") ?? null, bytes);
      const status = definition.status ?? 200;

      const run = async () => {
        const answer = await withTimeout(
          handler({
            principal,
            identity,
            params,
            query,
            body,
            headers: c.req.raw.headers,
            address: addressOf(c),
            requestId,
          } as never) as Promise<unknown>,
        );
        const reply = answer instanceof Reply ? answer : new Reply(answer);
        // What the schema does not name is cut off here, whatever a verb returned.
        const shaped = definition.response === null || typeof reply.body === "string" ? reply.body : definition.response.parse(reply.body);
        return { reply, shaped };
      };
      const key = c.req.header("idempotency-key");
      if (definition.method === "post" && key !== undefined && principal !== null && definition.idempotent !== false) {
        const stored = await withIdempotencyKey(
          ctx,
          { organizationId: principal.organizationId, principal: `${principal.kind}:${principal.id}` },
          key,
          [definition.method, c.req.path, new URL(c.req.url).search, bytes],
          async () => {
            try {
              return { status, body: (await run()).shaped };
            } catch (error) {
              if (!(error instanceof AppError) || error.httpStatus >= 500) throw error;
              return { status: error.httpStatus, body: toProblem(error, requestId).problem };
            }
          },
        );
        if (stored.replayed) c.header("idempotency-replayed", "true");
        if (stored.status >= 400)
          return c.body(JSON.stringify(stored.body), stored.status as 400, { "content-type": "application/problem+json" });
        return stored.status === 204 ? c.body(null, 204) : c.json(stored.body as never, stored.status as 200);
      }
      const { reply, shaped } = await run();
      for (const [name, value] of reply.headers) c.header(name, value, { append: name === "set-cookie" });
      if (status === 204 || shaped === undefined) return c.body(null, 204);
      if (typeof shaped === "string" || shaped instanceof Uint8Array) return c.body(shaped as never, status);
      if (definition.method !== "get") return c.json(shaped as never, status);
      const packed = await compressedJson(JSON.stringify(shaped), c.req.header("accept-encoding") ?? null);
      return c.body(packed.body, status, packed.headers);
    });
  };

  /** Paths answer 405 for other methods; set up when the first request comes, after all routes are there. */
  let sealed = false;
  const seal = () => {
    sealed = true;
    // Fixed paths first, so that /servers/summary is not taken for a server's id, whatever feature came first.
    const inOrder = routes.toSorted((a, b) => a.path.split("{").length - b.path.split("{").length);
    for (const definition of inOrder) register(definition, handlers.get(definition)!);
    for (const kind of [...routes, ...topics].flatMap(({ scope }) => scope ?? [])) {
      if (!scopes.has(kind)) throw new Error(`Nobody says where a "${kind}" belongs: register it with api.scope`);
    }
    for (const path of new Set(routes.map((route) => route.path))) {
      const allowed = routes.filter((route) => route.path === path).map((route) => route.method.toUpperCase());
      if (allowed.includes("GET")) allowed.push("HEAD");
      const open = routes.some((route) => route.path === path && route.permission === "public");
      app.all(path.replaceAll(/\{(\w+)\}/g, ":$1"), async (c: C) => {
        if (!open) demandPermission(await identifyAny(c), "authenticated");
        throw new AppError("method_not_allowed", `${c.req.method} is not possible here; use ${allowed.join(", ")}`, {
          details: { allow: allowed.join(", ") },
        });
      });
    }
  };

  return {
    auth,
    routes,
    topics,
    route(definition, handler) {
      if (sealed) throw new Error(`${definition.path}: routes are registered before the first request`);
      if (!demands.includes(definition.permission))
        throw new Error(`${definition.method} ${definition.path} states no permission; one of ${demands.join(", ")}`);
      if (routes.some((route) => route.method === definition.method && route.path === definition.path)) {
        throw new Error(`${definition.method} ${definition.path} is registered twice`);
      }
      routes.push(definition);
      handlers.set(definition, handler);
    },
    topic(topic) {
      if (!permissions.includes(topic.permission))
        throw new Error(`topic ${topic.name} states no permission; one of ${permissions.join(", ")}`);
      if (topics.some(({ name }) => name === topic.name)) throw new Error(`topic ${topic.name} is registered twice`);
      topics.push(topic);
    },
    scope(kind, find) {
      if (scopes.has(kind)) throw new Error(`scope ${kind} is registered twice`);
      scopes.set(kind, find);
    },
    scopeOf,
    seal,
    openPaths,
    openFiles(paths, fetch) {
      if (sealed) throw new Error(`${paths.join()}: files are registered before the first request`);
      openPaths.push(...paths);
      for (const path of paths) app.get(path, (c) => fetch(c.req.raw));
    },
    fallback: (handler) => void (page = handler),
    clientAddress: (peer, forwardedFor) => clientAddress(peer, forwardedFor, trusted),
    fetch: (request, env = {}) => {
      if (!sealed) seal();
      return app.fetch(request, env);
    },
  };
}

async function withTimeout<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new AppError("timeout", `This took longer than ${handlerTimeoutMs / 1000} s; ask for less, or again later`)),
      handlerTimeoutMs,
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
