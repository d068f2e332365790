import { eq } from "drizzle-orm";
import { type Caller, type Principal, roleAccess } from "../../../platform/auth/index.ts";
import { memberships } from "../../../platform/auth/schema.ts";
import type { Context } from "../../../platform/context.ts";

/** Somebody who holds a link or came from a provider, and has no session yet: for the audit log, without any rights. */
export async function selfPrincipal(
  tx: Pick<Context["db"], "select">,
  ctx: Context,
  user: { readonly id: string; readonly email: string },
  { caller, requestId }: { readonly caller: Caller; readonly requestId: string },
): Promise<Principal> {
  const [membership] = await tx.select().from(memberships).where(eq(memberships.userId, user.id)).orderBy(memberships.createdAt).limit(1);
  const organizationId = membership?.organizationId ?? ctx.installation.defaultOrganizationId;
  const access = { ...roleAccess("view", organizationId), grants: [] };
  return { kind: "user", id: user.id, name: user.email, organizationId, userId: user.id, access, address: caller.address, requestId };
}
