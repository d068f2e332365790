import type { Permission } from "@devflow/api";
import type { z } from "zod";
import type { Demand } from "../auth/decide.ts";
import type { Identity } from "../auth/identity.ts";
import type { Principal } from "../auth/principal.ts";

/**
 * What a feature's routes.ts states about one route. There is no default permission: a route without one does not
 * compile and is refused when it is registered.
 */
export interface RouteDefinition {
  readonly method: "get" | "post" | "put" | "patch" | "delete";
  /** "/api/v1/servers/{id}" */
  readonly path: string;
  readonly permission: Demand;
  /** Demanded at the same place as well, because the answer shows what this permission lets people see. */
  readonly reads?: Permission;
  readonly tag: string;
  readonly summary: string;
  readonly params?: z.ZodObject;
  /** Strict: a parameter that is not in it is refused. */
  readonly query?: z.ZodObject;
  /** JSON body; strict when it is an object. */
  readonly body?: z.ZodType;
  /** Default 200. */
  readonly status?: 200 | 201 | 202 | 204;
  /** The JSON answer; what is not in it never leaves. Null: the handler answers with a Reply of its own type. */
  readonly response: z.ZodType | null;
  /** Media types of an answer whose response is null; default "text/plain". For the description. */
  readonly mediaType?: string | readonly string[];
  /**
   * What {id} names: a kind that a feature registered with Api.scope. "somewhere": a list for everybody who has the
   * permission for any part of the organisation; its verb gives no more than reachOf() says. "own": a
   * thing of the person who asks, such as a session; its verb looks at whose it is, and no token has one. Without it the whole
   * organisation.
   */
  readonly scope?: string;
  /**
   * Dangerous: a session must have proved who is behind it (password, passkey, TOTP) within the last ten minutes, or
   * the answer is 403 step_up_required. API tokens are exempt; their scopes decide.
   */
  readonly stepUp?: true;
  /** False leaves Idempotency-Key unused: sign-in and the like, whose answers set cookies. */
  readonly idempotent?: boolean;
  /** False: requests are not counted, and nobody asks who sent them. For public probes alone, which must be answered whatever else is going on. */
  readonly limited?: boolean;
  /**
   * Of a GET: the answer depends on path, query, organisation and where the permission is held, on nothing else of who
   * asks. While many ask for the same, one answer serves all for up to 250 ms.
   */
  readonly shared?: true;
  /** Of a GET: what people can change in its answer, for If-Match. Default: all of it. */
  // oxlint-disable-next-line typescript/no-explicit-any -- the answer's own type, which a list of routes cannot know
  readonly version?: (body: any) => unknown;
  /** Dates as YYYY-MM-DD: since when not to use it any more, when it goes (six months later at the earliest), and the path to use. */
  readonly deprecated?: { readonly since: string; readonly sunset?: string; readonly successor?: string };
}

type Parsed<S, Else> = S extends z.ZodType ? z.output<S> : Else;

export interface RouteRequest<D extends RouteDefinition = RouteDefinition> {
  readonly principal: D["permission"] extends "public" ? Principal | null : Principal;
  /** The session or token behind the principal. */
  readonly identity: Identity | null;
  readonly params: Parsed<D["params"], Record<string, never>>;
  readonly query: Parsed<D["query"], Record<string, never>>;
  readonly body: Parsed<D["body"], undefined>;
  readonly headers: Headers;
  readonly address: string | null;
  readonly requestId: string;
}

/** An answer with headers, or one that is not JSON. */
export class Reply<T = unknown> {
  readonly body: T;
  readonly headers: readonly (readonly [string, string])[];

  constructor(body: T, headers: readonly (readonly [string, string])[] = []) {
    this.body = body;
    this.headers = headers;
  }
}

type Answer<D extends RouteDefinition> = D["response"] extends z.ZodType
  ? z.input<D["response"]>
  : string | Uint8Array | ReadableStream<Uint8Array> | undefined | void;
export type Handler<D extends RouteDefinition> = (request: RouteRequest<D>) => Promise<Answer<D> | Reply<Answer<D> | string>>;

/** Keeps the literal types of a definition, so that its handler is typed by its schemas. */
export function defineRoute<const D extends RouteDefinition>(definition: D): D {
  return definition;
}
