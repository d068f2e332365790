import { randomUUID } from "node:crypto";
import { AppError } from "@devflow/errors";
import type { Logger } from "pino";
import { demandPermission } from "../../auth/index.ts";
import { databaseUnavailable } from "../../db/index.ts";
import { toProblem } from "../problem.ts";
import type { Call } from "./call.ts";
import type { Identify } from "./identify.ts";

/** Answers a GET or HEAD of a path that is no route: the web UI. Null when there is no such page. */
export type Page = (path: string, headers: Headers) => Response | null;

/** Whatever a step threw, as problem+json; what is nobody's fault but ours is logged with its cause. */
export function answerError(log: Logger) {
  return (error: Error, call: Call): Response => {
    const requestId = call.get("requestId") ?? randomUUID();
    if (!(error instanceof AppError) || error.httpStatus >= 500) {
      log.error({ scope: "http", err: error, requestId, method: call.req.method, path: call.req.path }, "request failed");
    }
    // A verb's own words stand, whatever their cause: other servers are away in the same way as databases are.
    const told = error instanceof AppError ? error : (databaseUnavailable(error) ?? error);
    const { problem, headers } = toProblem(told, requestId);
    return call.body(JSON.stringify(problem), problem.status as 500, headers);
  };
}

/** A path that is no route: a page of the web UI, or not_found. Without credentials nothing tells which routes exist. */
export function answerNoRoute(identify: Identify, page: Page) {
  return async (call: Call): Promise<Response> => {
    const { path, method } = call.req;
    const api = path.startsWith("/api/") || path === "/api" || path.startsWith("/metrics");
    const found = !api && (method === "GET" || method === "HEAD") ? page(path, call.req.raw.headers) : null;
    if (found !== null) return found;
    if (api) demandPermission((await identify(call)).principal, "authenticated");
    throw new AppError("not_found", `There is nothing at ${method} ${path.slice(0, 200)}; docs/api.md and /api/docs list what there is`);
  };
}

/** A route's path with a method that it does not have. @param open whether one of its routes is public */
export function answerNoMethod(identify: Identify, allowed: readonly string[], open: boolean) {
  return async (call: Call): Promise<Response> => {
    if (!open) demandPermission((await identify(call)).principal, "authenticated");
    throw new AppError("method_not_allowed", `${call.req.method} is not possible here; use ${allowed.join(", ")}`, {
      details: { allow: allowed.join(", ") },
    });
  };
}
