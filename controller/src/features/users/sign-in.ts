import { AppError } from "@devflow/errors";
import { writeAudit } from "../../platform/audit/index.ts";
import { type Auth, type Caller, type Identity, principalOf } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";

interface SignIn {
  email: string;
  password: string;
  caller: Caller;
  requestId: string;
}

/**
 * Checks e-mail and password and begins a session. Throws AppError unauthenticated, rate_limited, or forbidden for a
 * user who was removed from every organisation.
 */
export async function signIn({
  ctx,
  auth,
  input,
}: {
  ctx: Context;
  auth: Auth;
  input: SignIn;
}): Promise<{ cookies: readonly string[]; identity: Identity }> {
  const { cookies } = await auth.signIn(input.email, input.password, input.caller);
  const headers = new Headers({ cookie: cookies.map((cookie) => cookie.split(";", 1)[0]).join("; ") });
  const found = await auth.authenticate(headers, input.caller);
  if (found === null) throw new AppError("forbidden", "This user has no role here any more; ask an administrator");
  await writeAudit(ctx.db, principalOf(found.identity, input.caller.address, input.requestId), {
    action: "users.sign-in",
    targetKind: "user",
    targetId: found.identity.id,
  });
  return { cookies, identity: found.identity };
}
