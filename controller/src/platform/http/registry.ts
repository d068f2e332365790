import { permissions } from "@devflow/api";
import { demands } from "../auth/decide.ts";
import type { Scope } from "../auth/index.ts";
import type { Api } from "./index.ts";
import type { Topic } from "./live/topic.ts";
import type { ScopeOf } from "./request/permit.ts";
import type { Handler, RouteDefinition } from "./route.ts";

export interface RegisteredRoute {
  readonly definition: RouteDefinition;
  readonly handler: Handler<RouteDefinition>;
  /** The GET of the same path. */
  readonly get: RegisteredRoute | null;
}

/** All routes of one path. */
export interface RegisteredPath {
  readonly path: string;
  /** "GET", "HEAD", … */
  readonly allowed: readonly string[];
  /** Whether one of its routes is public. */
  readonly open: boolean;
}

export interface OpenFiles {
  readonly path: string;
  readonly fetch: (request: Request) => Response | Promise<Response>;
}

/** What is there when registration has ended, in the order in which a request is compared with it. */
export interface Registered {
  readonly files: readonly OpenFiles[];
  readonly routes: readonly RegisteredRoute[];
  readonly paths: readonly RegisteredPath[];
}

/** What features registered: routes, live topics, open files, and where kinds of things belong. */
export interface Registry extends Omit<Api, "auth" | "closing"> {
  readonly scopeOf: ScopeOf;
  /** Ends registration. Throws Error when a route or topic names a kind that nobody registered. */
  seal(): Registered;
}

export function createRegistry(): Registry {
  const routes: RouteDefinition[] = [];
  const handlers = new Map<RouteDefinition, Handler<RouteDefinition>>();
  const topics: Topic[] = [];
  const files: OpenFiles[] = [];
  const openPaths: string[] = [];
  const scopes = new Map<string, (id: string, organizationId: string) => Promise<Scope | null>>();
  let sealed = false;

  const registered = (definition: RouteDefinition): RegisteredRoute => ({ definition, handler: handlers.get(definition)!, get: null });

  return {
    routes,
    topics,
    openPaths,

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

    scopeOf: (kind, id, organizationId) => scopes.get(kind)?.(id, organizationId) ?? Promise.resolve(null),

    openFiles(paths, fetch) {
      if (sealed) throw new Error(`${paths.join()}: files are registered before the first request`);
      openPaths.push(...paths);
      for (const path of paths) files.push({ path, fetch });
    },

    seal() {
      for (const kind of [...routes, ...topics].flatMap(({ scope }) => scope ?? [])) {
        if (kind !== "somewhere" && kind !== "own" && !scopes.has(kind))
          throw new Error(`Nobody says where a "${kind}" belongs: register it with api.scope`);
      }
      sealed = true;
      // Fixed paths first, so that /servers/summary is not taken for a server's id, whatever feature came first.
      const inOrder = routes.toSorted((a, b) => a.path.split("{").length - b.path.split("{").length);
      return {
        files,
        routes: inOrder.map((definition) => {
          const get = routes.find(({ method, path }) => method === "get" && path === definition.path);
          return { ...registered(definition), get: get === undefined ? null : registered(get) };
        }),
        paths: [...new Set(routes.map(({ path }) => path))].map((path) => pathOf(routes.filter((route) => route.path === path))),
      };
    },
  };
}

function pathOf(routes: readonly RouteDefinition[]): RegisteredPath {
  const allowed = routes.map((route) => route.method.toUpperCase());
  if (allowed.includes("GET")) allowed.push("HEAD");
  return { path: routes[0]!.path, allowed, open: routes.some((route) => route.permission === "public") };
}
