import { AppError } from "@devflow/errors";
import { writeAudit } from "../../platform/audit/index.ts";
import { type Auth, type Caller, type Identity, principalOf } from "../../platform/auth/index.ts";
import { loadMembership } from "../../platform/auth/load-access.ts";
import type { Context } from "../../platform/context.ts";

export interface Session {
  readonly cookies: readonly string[];
  readonly identity: Identity;
}

/**
 * Begins a session for somebody who has proved who they are, and writes it down. Throws AppError forbidden for a user
 * who is disabled or was removed from every organisation.
 */
export async function beginSession({
  ctx,
  auth,
  input: { userId, by, caller, requestId },
}: {
  ctx: Context;
  auth: Auth;
  /** by: what proved it, for the audit log */
  input: {
    userId: string;
    by: "password" | "password and code" | "password and recovery code" | "passkey" | "oidc";
    caller: Caller;
    requestId: string;
  };
}): Promise<Session> {
  const gone = () => new AppError("forbidden", "This account is disabled or belongs to no organisation any more; ask an administrator");
  // Looked at first: who is refused leaves no session behind.
  if ((await loadMembership(ctx, userId, null)) === null) throw gone();
  const { cookies } = await auth.beginSession(userId, caller);
  const headers = new Headers({ cookie: cookies.map((cookie) => cookie.split(";", 1)[0]).join("; ") });
  const found = await auth.authenticate(headers, caller);
  if (found === null) throw gone();
  await writeAudit(ctx.db, principalOf(found.identity, caller.address, requestId), {
    action: "users.sign-in",
    targetKind: "user",
    targetId: userId,
    after: { by },
  });
  return { cookies, identity: found.identity };
}
