import type { Permission } from "@devflow/api";
import { AppError } from "@devflow/errors";
import { and, eq, isNull } from "drizzle-orm";
import { type Access, type Grant, holds, type Principal, type Scope } from "../../../platform/auth/index.ts";
import { organizations, users } from "../../../platform/auth/schema.ts";
import type { Database } from "../../../platform/db/index.ts";
import { apiTokens } from "../../tokens/schema.ts";
import { firstMissing, type Placed } from "./rules.ts";
import { heldBy, heldByUser, storedGrants, type StoredGrant } from "./stored.ts";

/** What the principal may do now, as the database says, while nobody else changes who may do what in the organisation. */
export interface Locked {
  readonly access: Access;
  readonly organization: typeof organizations.$inferSelect;
}

const plain = (list: readonly StoredGrant[]): Grant[] =>
  list.map(({ permissions, role, scopeKind, scopeId }) => ({ permissions, role, scopeKind, scopeId }));

/**
 * First step of every change of who may do what: such changes go one after the other in an organisation, and each
 * decides by what holds after the one before. Two owners who demote each other at once cannot both succeed.
 * @param permission asked for again, since it may have been taken meanwhile
 * Throws AppError forbidden when the principal lost it.
 */
export async function lockOrganization(
  tx: Pick<Database, "select">,
  principal: Principal,
  permission: Permission | null,
  scope?: Scope,
): Promise<Locked> {
  const { organizationId } = principal;
  const [organization] = await tx.select().from(organizations).where(eq(organizations.id, organizationId)).for("no key update");
  if (organization === undefined) throw new AppError("not_found", "This organisation is gone");
  const access = await accessNow(tx, principal);
  if (permission !== null && !holds(access, permission, scope))
    throw new AppError("forbidden", `This needs the permission "${permission}", which you do not have here any more`);
  return { access, organization };
}

async function accessNow(tx: Pick<Database, "select">, principal: Principal): Promise<Access> {
  const { organizationId, kind, id, userId } = principal;
  if (kind === "system") return principal.access;
  const ofUser = async (user: string) => plain(await storedGrants(tx, organizationId, heldByUser(organizationId, user)));
  if (kind === "user") {
    const [user] = await tx.select({ is: users.installationAdministrator }).from(users).where(eq(users.id, id));
    return { grants: await ofUser(id), bound: null, installationAdministrator: user?.is === true };
  }
  const [token] = await tx
    .select({ serviceAccountId: apiTokens.serviceAccountId })
    .from(apiTokens)
    .where(and(eq(apiTokens.id, id), isNull(apiTokens.revokedAt)));
  if (token === undefined) throw new AppError("unauthenticated", "This token was revoked");
  const service = token.serviceAccountId;
  return {
    grants: plain(await storedGrants(tx, organizationId, heldBy("token", id))),
    bound:
      service !== null
        ? plain(await storedGrants(tx, organizationId, heldBy("service", service)))
        : userId !== null
          ? await ofUser(userId)
          : null,
    installationAdministrator: principal.access.installationAdministrator,
  };
}

/** Throws AppError forbidden when something of it is more than access holds at that place. */
export function refuseMore(access: Access, placed: readonly Placed[], message: (permission: Permission) => string): void {
  const missing = firstMissing(access, placed);
  if (missing !== null) throw new AppError("forbidden", message(missing));
}

export const givesMore = (permission: Permission) =>
  `Nobody gives more than they have: this includes "${permission}", which you do not have there`;
export const standsAbove = (permission: Permission) =>
  `They may do more than you ("${permission}"), so you cannot change them; ask somebody who may as much`;
