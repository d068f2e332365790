import { AppError } from "@devflow/errors";
import type { Reply, RouteDefinition } from "../route.ts";
import type { Call } from "./call.ts";
import { etagOf, isSame } from "./etag.ts";
import { ReadyAnswer } from "./ready-answers.ts";

/** What a route came to: its reply, or what an earlier request with the same Idempotency-Key came to. */
export interface Outcome {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Reply["headers"];
}

const worthwhileBytes = 1_400;

/** The answer as it leaves: JSON, text or bytes, nothing, or a stored problem. @param get of the same path */
export async function respond(
  definition: RouteDefinition,
  get: RouteDefinition | null,
  call: Call,
  { status, body, headers }: Outcome,
): Promise<Response> {
  for (const [name, value] of headers) call.header(name, value, { append: name === "set-cookie" });
  if (status >= 400) return call.body(JSON.stringify(body), status as 400, { "content-type": "application/problem+json" });
  if (status === 204 || body === undefined) return call.body(null, 204);
  if (typeof body === "string" || body instanceof Uint8Array || body instanceof ReadableStream)
    return call.body(body as never, status as 200);
  if (definition.method === "get") return respondReady(call, ready(definition, body));
  const text = JSON.stringify(body);
  // What a change answers with is the thing as GET shows it: its tag is good for the next change.
  if (get !== null && get.response === definition.response) call.header("etag", etagOf(get, body, text));
  return call.body(text, status as 200, { "content-type": "application/json" });
}

/** A GET's JSON body as bytes with their tag. */
export function ready(definition: RouteDefinition, body: unknown): ReadyAnswer {
  const text = JSON.stringify(body);
  return new ReadyAnswer(text, etagOf(definition, body, text));
}

/**
 * A GET's answer: 304 when the reader has it, compressed when it takes that and the answer is larger than a packet.
 * Only GETs are compressed: they never hold a secret whose length compression could give away.
 */
export async function respondReady(call: Call, answer: ReadyAnswer): Promise<Response> {
  const { headers } = call.req.raw;
  const told = { "content-type": "application/json", vary: "accept-encoding", etag: answer.etag };
  if (isSame(headers.get("if-none-match"), answer.etag)) return call.body(null, 304, { vary: told.vary, etag: told.etag });
  if (answer.bytes.length < worthwhileBytes || !/\bgzip\b/.test(headers.get("accept-encoding") ?? ""))
    return call.body(answer.bytes, 200, told);
  return call.body(await answer.gzip(), 200, { ...told, "content-encoding": "gzip" });
}

/** A body that can be kept: what a handler of a shared route gave, without headers of its own. */
export function plainBody({ body, headers }: Reply): unknown {
  if (headers.length > 0 || typeof body !== "object" || body === null || body instanceof Uint8Array || body instanceof ReadableStream)
    throw new AppError("internal", "a shared route answers with JSON and without headers");
  return body;
}
