import type { Auth, Caller } from "../../../platform/auth/index.ts";
import type { Context } from "../../../platform/context.ts";
import { beginSession, type Session } from "../sign-in.ts";
import { checkPasskey } from "./check-passkey.ts";

/** A session for whoever's passkey answered. Throws AppError unauthenticated, rate_limited or forbidden. */
export async function signInByPasskey({
  ctx,
  auth,
  input: { headers, response, caller, requestId },
}: {
  ctx: Context;
  auth: Auth;
  input: { headers: Headers; response: Record<string, unknown>; caller: Caller; requestId: string };
}): Promise<Session> {
  // A key cannot be guessed; counted nevertheless, since each check costs a signature and a query.
  const userId = await auth.attempt(`passkey:${String(response["id"]).slice(0, 200)}`, caller, () =>
    checkPasskey(ctx, headers, "sign-in", response),
  );
  return beginSession({ ctx, auth, input: { userId, by: "passkey", caller, requestId } });
}
