import { AppError } from "@devflow/errors";
import { eq } from "drizzle-orm";
import type { Identity } from "../../auth/index.ts";
import { sessions } from "../../auth/schema.ts";
import type { Context } from "../../context.ts";
import type { RouteDefinition } from "../route.ts";

/** How long a proof of who somebody is lasts for dangerous actions. */
export const confirmedForMs = 10 * 60_000;

/**
 * Was it proved lately who is behind this session? Throws AppError step_up_required. Tokens and public routes pass:
 * there is nobody to ask.
 */
export async function stepUp(ctx: Context, definition: RouteDefinition, identity: Identity | null): Promise<void> {
  if (definition.stepUp === true) await demandConfirmed(ctx, identity);
}

/** The same for a verb of a route that is dangerous with some bodies only. */
export async function demandConfirmed(ctx: Context, identity: Identity | null): Promise<void> {
  if (identity === null || identity.sessionId === null) return;
  const isFresh = (atMs: number | null) => atMs !== null && ctx.clock.now() - atMs < confirmedForMs;
  if (isFresh(identity.confirmedAtMs)) return;
  // What was proved a moment ago, perhaps through another controller, is not in remembered identities yet.
  const [session] = await ctx.db.select({ at: sessions.confirmedAt }).from(sessions).where(eq(sessions.id, identity.sessionId));
  if (isFresh(session?.at?.getTime() ?? null)) return;
  throw new AppError("step_up_required", "Confirm that it is you first: with your password, a passkey or a code of your authenticator");
}
