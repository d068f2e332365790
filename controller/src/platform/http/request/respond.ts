import type { Reply, RouteDefinition } from "../route.ts";
import type { Call } from "./call.ts";
import { compressedJson } from "./compress.ts";

/** What a route came to: its reply, or what an earlier request with the same Idempotency-Key came to. */
export interface Outcome {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Reply["headers"];
}

/** The answer as it leaves: JSON, text or bytes, nothing, or a stored problem. */
export async function respond(definition: RouteDefinition, call: Call, { status, body, headers }: Outcome): Promise<Response> {
  for (const [name, value] of headers) call.header(name, value, { append: name === "set-cookie" });
  if (status >= 400) return call.body(JSON.stringify(body), status as 400, { "content-type": "application/problem+json" });
  if (status === 204 || body === undefined) return call.body(null, 204);
  if (typeof body === "string" || body instanceof Uint8Array || body instanceof ReadableStream)
    return call.body(body as never, status as 200);
  if (definition.method !== "get") return call.json(body as never, status as 200);
  const packed = await compressedJson(JSON.stringify(body), call.req.header("accept-encoding") ?? null);
  return call.body(packed.body, status as 200, packed.headers);
}
