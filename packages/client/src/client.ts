import { chunksOf } from "./body.ts";
import { DevFlowError } from "./error.ts";
import { type EventsOptions, followEvents, type TypedEvent } from "./events.ts";
import { type FollowOptions, follow, type Following } from "./follow.ts";
import type { Answer, Input, Item, ListPath, Method, Operation, PathWith } from "./operation.ts";
import { keylessPosts } from "./gen/keyless.ts";
import { type CallOptions, type Connection, send } from "./send.ts";

type Rest<O> = object extends Input<O> ? [input?: Input<O> & CallOptions] : [input: Input<O> & CallOptions];
type Caller<M extends Method> = <P extends PathWith<M>>(path: P, ...rest: Rest<Operation<P, M>>) => Promise<Answer<Operation<P, M>>>;

/** The HTTP API with the types of its OpenAPI document. Every call throws DevFlowError. */
export interface Client {
  readonly url: string;
  readonly get: Caller<"get">;
  readonly post: Caller<"post">;
  readonly put: Caller<"put">;
  readonly patch: Caller<"patch">;
  readonly delete: Caller<"delete">;
  /** The answer as text: CSV by `accept: "text/csv"` where a route gives it. */
  text<P extends PathWith<"get">>(path: P, ...rest: Rest<Operation<P, "get">>): Promise<string>;
  /** The answer's body as it comes, for what may be large. It is cut off when nothing comes for the time of `timeoutMs`. */
  download<P extends PathWith<"get">>(path: P, ...rest: Rest<Operation<P, "get">>): AsyncGenerator<Uint8Array, void, undefined>;
  /** All items of a list, page by page as they are needed. */
  list<P extends ListPath>(path: P, ...rest: Rest<Operation<P, "get">>): AsyncGenerator<Item<Operation<P, "get">>, void, undefined>;
  /** Live messages of the topics until close(); connects again by itself. */
  follow(topics: readonly string[], options: FollowOptions): Following;
  readonly events: {
    /**
     * Events as they happen, each once and in order, over as many connections as it takes. Ends by break or by the
     * signal; throws DevFlowError when it is of no use to try again.
     */
    follow(options?: EventsOptions): AsyncGenerator<TypedEvent, void, undefined>;
  };
}

interface AnyInput extends CallOptions {
  readonly path?: Record<string, string>;
  readonly query?: Record<string, string | number | readonly string[] | undefined>;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly streams?: boolean;
}

/** "/servers/{id}" + {id: "a/b"} → "/servers/a%2Fb"; undefined query values are left out, lists are repeated. Throws TypeError for a missing or empty part. */
export function targetOf(template: string, { path = {}, query = {} }: AnyInput = {}): string {
  const filled = template.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const value = path[name];
    // An empty id would name the whole list.
    if (value === undefined || value === "" || /^\.{1,2}$/.test(value)) throw new TypeError(`${template}: ${name} is missing`);
    return encodeURIComponent(value);
  });
  const values = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) for (const one of [value ?? []].flat()) values.append(name, String(one));
  const search = values.toString();
  return search === "" ? filled : `${filled}?${search}`;
}

/**
 * A client of one controller. Works in Node 22 and later and in browsers; there the live socket needs the session
 * cookie, since a browser's WebSocket carries no token.
 */
export function createClient(connection: Connection): Client {
  const ask = (method: Method, path: string, input: AnyInput = {}) => {
    const { path: _path, query: _query, ...options } = input;
    const keyless = method === "post" && keylessPosts.has(path);
    return send(connection, { keyless, ...options, method: method.toUpperCase(), target: targetOf(path, input) });
  };
  const caller = (method: Method) => async (path: string, input?: AnyInput) => {
    const response = await ask(method, path, input);
    if (response.status === 204) return undefined;
    const text = await textOf(response);
    if (!/json/.test(response.headers.get("content-type") ?? "")) return text;
    try {
      return JSON.parse(text) as unknown;
    } catch (cause) {
      throw new DevFlowError("not_devflow", `${connection.url} answered something that is no JSON`, { status: response.status, cause });
    }
  };
  const get = caller("get");
  return {
    url: connection.url,
    get: get as Caller<"get">,
    post: caller("post") as Caller<"post">,
    put: caller("put") as Caller<"put">,
    patch: caller("patch") as Caller<"patch">,
    delete: caller("delete") as Caller<"delete">,
    text: async (path, ...[input]) => textOf(await ask("get", path, input as AnyInput | undefined)),
    async *download(path, ...[input]) {
      const response = await ask("get", path, { accept: "*/*", ...(input as AnyInput | undefined), streams: true });
      yield* chunksOf(response, connection.timeoutMs ?? 30_000);
    },
    async *list(path, ...[input]) {
      const given = (input ?? {}) as AnyInput;
      let cursor = given.query?.["cursor"];
      do {
        const page = (await get(path, { ...given, query: { limit: 500, ...given.query, cursor } })) as {
          items: never[];
          nextCursor: string | null;
        };
        yield* page.items;
        cursor = page.nextCursor ?? undefined;
      } while (cursor !== undefined);
    },
    follow: (topics, options) => follow(connection, topics, options, () => get("/api/v1/me")),
    events: {
      follow: (options = {}) =>
        followEvents(options, {
          stream: (types, lastEventId, signal) =>
            ask("get", "/api/v1/events/stream", {
              query: { types },
              accept: "text/event-stream",
              ...(lastEventId !== null && { headers: { "last-event-id": lastEventId } }),
              streams: true,
              signal,
            }),
          async newestUntil(to, signal) {
            const { items } = (await get("/api/v1/events", { query: { to, limit: 1 }, signal })) as { items: { id: string }[] };
            return items[0]?.id ?? null;
          },
        }),
    },
  };
}

async function textOf(response: Response): Promise<string> {
  try {
    return await response.text();
  } catch (cause) {
    throw new DevFlowError("unreachable", "The connection was cut in the middle of the answer", { status: response.status, cause });
  }
}
