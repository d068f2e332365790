import { AppError } from "@devflow/errors";
import type { Context } from "../../context.ts";
import type { RegisteredRoute } from "../registry.ts";
import { etagOf, isUnchanged } from "./etag.ts";
import type { Call } from "./call.ts";

/** Runs work; with If-Match only when the thing still is what it says. */
export type UnderCondition = <T>(
  route: RegisteredRoute,
  call: Call,
  /** Reads the thing with the GET of the same path, as whoever asks. */
  read: (get: RegisteredRoute) => Promise<unknown>,
  work: () => Promise<T>,
) => Promise<T>;

/**
 * If-Match on what changes a thing: compared with what GET of the same path answers to the same caller. Writers that
 * use it go one after the other, at all controllers, so that of two with the same tag one succeeds.
 * Throws AppError precondition_failed.
 */
export function createUnderCondition(ctx: Pick<Context, "sql">): UnderCondition {
  // One at a time in a process, so that waiting writers never hold all connections.
  let last: Promise<unknown> = Promise.resolve();
  return async (route, call, read, work) => {
    const ifMatch = call.req.header("if-match");
    const { method, path } = route.definition;
    if (ifMatch === undefined || method === "get" || method === "post") return work();
    const { get } = route;
    if (get === null)
      throw new AppError(
        "precondition_failed",
        `${method.toUpperCase()} ${path} has no GET whose ETag could be compared; leave If-Match out`,
      );
    const mine = last
      .catch(() => undefined)
      .then(() =>
        ctx.sql.begin(async (tx) => {
          await tx`select pg_advisory_xact_lock(hashtextextended(${`if-match:${call.req.path}`}, 0))`;
          const body = await read(get);
          if (!isUnchanged(ifMatch, etagOf(get.definition, body, JSON.stringify(body))))
            throw new AppError("precondition_failed", "It was changed since you read it; read it again, and decide again");
          return work();
        }),
      );
    last = mine;
    return mine as ReturnType<typeof work>;
  };
}
