import type { GrantChoice } from "@devflow/api";
import { AppError } from "@devflow/errors";
import { and, eq } from "drizzle-orm";
import { writeAudit } from "../../../platform/audit/index.ts";
import type { Principal } from "../../../platform/auth/index.ts";
import { grants, memberships, serviceAccounts, teams, users } from "../../../platform/auth/schema.ts";
import type { Context } from "../../../platform/context.ts";
import type { Database } from "../../../platform/db/index.ts";
import { writeEvent } from "../../../platform/events/index.ts";
import { keepOwner } from "./keep-owner.ts";
import { givesMore, lockOrganization, refuseMore, standsAbove } from "./lock-organization.ts";
import { resolveGrants, type ResolvedGrant, told } from "./resolve.ts";
import { heldBy, heldByUser, type PrincipalKind, storedGrants } from "./stored.ts";
import { behind, tellRevoked } from "./tell-revoked.ts";

export interface SetGrantsInput {
  readonly kind: "user" | "team" | "service";
  readonly id: string;
  readonly grants: readonly GrantChoice[];
}

/**
 * Puts these grants in the place of all that a person, team or service account holds itself; an empty list takes all.
 * Takes effect at once, on open connections too. Harmless when repeated.
 * Throws AppError not_found for who is not of this organisation, forbidden for more than the caller holds at that very
 * place and for who may do more than the caller, conflict for the last owner, invalid for an owner that is no person.
 */
export async function setGrants({ ctx, principal, input }: { ctx: Context; principal: Principal; input: SetGrantsInput }): Promise<void> {
  const { organizationId } = principal;
  const revoked = await ctx.db.transaction(async (tx) => {
    const { access } = await lockOrganization(tx, principal, "members.manage");
    const name = await nameOf(tx, organizationId, input.kind, input.id);
    const before = await storedGrants(tx, organizationId, heldBy(input.kind, input.id));
    // A person may do more by their teams than by themselves.
    const all = input.kind === "user" ? await storedGrants(tx, organizationId, heldByUser(organizationId, input.id)) : before;
    refuseMore(access, all, standsAbove);
    const after = await resolveGrants(tx, organizationId, input.grants);
    refuseMore(access, after, givesMore);
    refuseTeamOwner(input.kind, after);
    if (JSON.stringify(told(before)) === JSON.stringify(told(after))) return [];
    await tx.delete(grants).where(and(eq(grants.organizationId, organizationId), heldBy(input.kind, input.id)));
    await insertGrants(tx, principal, input.kind, input.id, after);
    if (input.kind === "user") await keepOwner(tx, organizationId);
    const change = { before: told(before), after: told(after) };
    await writeEvent(tx, principal, { type: "grants.changed", subject: { kind: input.kind, id: input.id, name }, data: change });
    await writeAudit(tx, principal, { action: "grants.change", targetKind: input.kind, targetId: input.id, ...change });
    return behind(tx, [{ principalKind: input.kind, principalId: input.id }]);
  });
  tellRevoked(ctx, revoked);
}

/** An owner can do away with everything, so that a person answers for it by name. */
export function refuseTeamOwner(kind: PrincipalKind, list: readonly ResolvedGrant[]): void {
  if (kind === "team" && list.some(({ role }) => role === "owner"))
    throw new AppError("invalid", "grants: a team cannot be an owner; make its people owners, or give the team the role admin");
}

export async function insertGrants(
  tx: Pick<Database, "insert">,
  principal: Pick<Principal, "organizationId" | "id">,
  principalKind: PrincipalKind,
  principalId: string,
  list: readonly ResolvedGrant[],
): Promise<void> {
  if (list.length === 0) return;
  await tx.insert(grants).values(
    list.map(({ role, roleId, scopeKind, scopeId }) => ({
      organizationId: principal.organizationId,
      principalKind,
      principalId,
      role,
      roleId,
      scopeKind,
      scopeId,
      createdBy: principal.id,
    })),
  );
}

/** What a principal is called. Throws AppError not_found when the organisation has none such. */
export async function nameOf(
  tx: Pick<Database, "select">,
  organizationId: string,
  kind: "user" | "team" | "service",
  id: string,
): Promise<string> {
  const isId = uuid.test(id);
  const [row] =
    kind === "user"
      ? await tx
          .select({ name: users.email })
          .from(memberships)
          .innerJoin(users, eq(users.id, memberships.userId))
          .where(and(eq(memberships.organizationId, organizationId), eq(memberships.userId, id)))
      : !isId
        ? []
        : kind === "team"
          ? await tx
              .select({ name: teams.name })
              .from(teams)
              .where(and(eq(teams.id, id), eq(teams.organizationId, organizationId)))
          : await tx
              .select({ name: serviceAccounts.name })
              .from(serviceAccounts)
              .where(and(eq(serviceAccounts.id, id), eq(serviceAccounts.organizationId, organizationId)));
  if (row === undefined) throw new AppError("not_found", `There is no such ${kind === "user" ? "member" : kind} here`);
  return row.name;
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
