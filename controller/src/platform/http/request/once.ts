import { AppError } from "@devflow/errors";
import type { Principal } from "../../auth/index.ts";
import type { Context } from "../../context.ts";
import { withIdempotencyKey } from "../idempotency.ts";
import { toProblem } from "../problem.ts";
import type { Reply, RouteDefinition } from "../route.ts";
import type { Call } from "./call.ts";
import type { Outcome } from "./respond.ts";

/**
 * Runs a POST that carries an Idempotency-Key once for its principal: later ones get the stored outcome, refusals
 * (4xx) included. Whatever carries none is simply run.
 * @param bytes the body as it came
 */
export async function once(
  ctx: Context,
  definition: RouteDefinition,
  call: Call,
  principal: Principal | null,
  bytes: Buffer,
  run: () => Promise<Reply>,
): Promise<Outcome> {
  const status = definition.status ?? 200;
  const key = call.req.header("idempotency-key");
  if (definition.method !== "post" || definition.idempotent === false || key === undefined || principal === null) {
    const { body, headers } = await run();
    return { status, body, headers };
  }
  const { replayed, ...stored } = await withIdempotencyKey(
    ctx,
    { organizationId: principal.organizationId, principal: `${principal.kind}:${principal.id}` },
    key,
    [definition.method, call.req.path, new URL(call.req.url).search, bytes],
    async () => {
      try {
        return { status, body: (await run()).body };
      } catch (error) {
        if (!(error instanceof AppError) || error.httpStatus >= 500) throw error;
        return { status: error.httpStatus, body: toProblem(error, call.get("requestId")).problem };
      }
    },
  );
  return { ...stored, headers: replayed ? [["idempotency-replayed", "true"]] : [] };
}
