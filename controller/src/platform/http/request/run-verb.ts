import { AppError } from "@devflow/errors";
import { type Handler, Reply, type RouteDefinition, type RouteRequest } from "../route.ts";

/** A request that took longer is answered with 504; what it does in the database ends by itself. */
const timeoutMs = 30_000;

/** Runs the route's verb; what the response schema does not name is cut off here, whatever the verb returned. */
export async function runVerb(definition: RouteDefinition, handler: Handler<RouteDefinition>, request: RouteRequest): Promise<Reply> {
  const answer = await withTimeout(handler(request));
  const reply: Reply = answer instanceof Reply ? answer : new Reply<unknown>(answer);
  if (definition.response === null || typeof reply.body === "string") return reply;
  return new Reply(definition.response.parse(reply.body), reply.headers);
}

async function withTimeout<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new AppError("timeout", `This took longer than ${timeoutMs / 1000} s; ask for less, or again later`)),
      timeoutMs,
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
