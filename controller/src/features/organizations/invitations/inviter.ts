import { and, eq, gt, isNull, or } from "drizzle-orm";
import { type Access, type Principal, roleAccess } from "../../../platform/auth/index.ts";
import { memberships, serviceAccounts, users } from "../../../platform/auth/schema.ts";
import type { Database } from "../../../platform/db/index.ts";
import { apiTokens } from "../../tokens/schema.ts";
import { heldBy, heldByUser, storedGrants } from "../grants/stored.ts";

export interface Inviter {
  readonly inviterKind: "user" | "service" | "token" | "system";
  readonly inviterId: string;
}

/** Who answers for an invitation: the person, also behind a token, or the service account. */
export async function inviterOf(tx: Pick<Database, "select">, principal: Principal): Promise<Inviter> {
  if (principal.kind === "system") return { inviterKind: "system", inviterId: principal.id };
  if (principal.userId !== null) return { inviterKind: "user", inviterId: principal.userId };
  const [token] = await tx.select({ service: apiTokens.serviceAccountId }).from(apiTokens).where(eq(apiTokens.id, principal.id));
  if (token?.service != null) return { inviterKind: "service", inviterId: token.service };
  return { inviterKind: "token", inviterId: principal.id };
}

/**
 * What the inviter may do at the moment, which bounds what an invitation still gives: whoever was demoted or left gives
 * nothing that they do not have any more, and neither does a disabled service account or a token that is over.
 */
export async function inviterAccess(
  tx: Pick<Database, "select">,
  organizationId: string,
  inviter: Inviter,
  nowMs: number,
): Promise<Access> {
  const { inviterKind: kind, inviterId: id } = inviter;
  const none: Access = { grants: [], bound: null, installationAdministrator: false };
  if (kind === "system") return roleAccess("owner", organizationId);
  if (kind === "user") {
    const [member] = await tx
      .select()
      .from(memberships)
      .innerJoin(users, and(eq(users.id, memberships.userId), isNull(users.disabledAt)))
      .where(and(eq(memberships.organizationId, organizationId), eq(memberships.userId, id)));
    return member === undefined ? none : { ...none, grants: await storedGrants(tx, organizationId, heldByUser(organizationId, id)) };
  }
  if (kind === "token") {
    const [token] = await tx
      .select()
      .from(apiTokens)
      .where(
        and(eq(apiTokens.id, id), isNull(apiTokens.revokedAt), or(isNull(apiTokens.expiresAt), gt(apiTokens.expiresAt, new Date(nowMs)))),
      );
    if (token === undefined) return none;
  } else {
    const [service] = await tx
      .select()
      .from(serviceAccounts)
      .where(and(eq(serviceAccounts.id, id), eq(serviceAccounts.organizationId, organizationId), isNull(serviceAccounts.disabledAt)));
    if (service === undefined) return none;
  }
  return { ...none, grants: await storedGrants(tx, organizationId, heldBy(kind, id)) };
}
