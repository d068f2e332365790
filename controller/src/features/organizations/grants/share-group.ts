import type { Holder, ShareGroup } from "@devflow/api";
import { AppError } from "@devflow/errors";
import { and, eq } from "drizzle-orm";
import { writeAudit } from "../../../platform/audit/index.ts";
import type { Principal } from "../../../platform/auth/index.ts";
import { grants } from "../../../platform/auth/schema.ts";
import type { Context } from "../../../platform/context.ts";
import type { Database } from "../../../platform/db/index.ts";
import { writeEvent } from "../../../platform/events/index.ts";
import { serverGroups } from "../../groups/schema.ts";
import { holdersOver } from "./holders.ts";
import { givesMore, lockOrganization, refuseMore, standsAbove } from "./lock-organization.ts";
import { resolveGrants, told } from "./resolve.ts";
import { insertGrants, nameOf } from "./set-grants.ts";
import { heldBy, heldOver, placeOf, type PrincipalKind, storedGrants } from "./stored.ts";
import { behind, tellRevoked } from "./tell-revoked.ts";

/**
 * Gives one person or team a role over a server group, in the place of the one they had over it. Returns all who hold
 * one. Throws AppError not_found, forbidden for more than the caller holds over the group or had by who may do more.
 */
export async function shareGroup({
  ctx,
  principal,
  input: { groupId, principal: to, role },
}: {
  ctx: Context;
  principal: Principal;
  input: ShareGroup & { groupId: string };
}): Promise<Holder[]> {
  const { organizationId } = principal;
  const revoked = await ctx.db.transaction(async (tx) => {
    const { access, group } = await lockForGroup(tx, principal, groupId);
    const name = await nameOf(tx, organizationId, to.kind, to.id);
    const before = await storedGrants(tx, organizationId, and(heldBy(to.kind, to.id), heldOver("group", groupId)));
    refuseMore(access, before, standsAbove);
    const after = await resolveGrants(tx, organizationId, [{ role, scope: { kind: "group", id: groupId } }]);
    refuseMore(access, after, givesMore);
    if (JSON.stringify(told(before)) === JSON.stringify(told(after))) return [];
    await tx.delete(grants).where(and(eq(grants.organizationId, organizationId), heldBy(to.kind, to.id), heldOver("group", groupId)));
    await insertGrants(tx, principal, to.kind, to.id, after);
    await tell(tx, principal, group, { kind: to.kind, id: to.id, name }, { before: told(before), after: told(after) });
    return behind(tx, [{ principalKind: to.kind, principalId: to.id }]);
  });
  tellRevoked(ctx, revoked);
  return holdersOver(ctx.db, principal, "group", groupId);
}

/** Takes a role over a server group away. Harmless when there is none. Throws AppError forbidden for who may do more there. */
export async function unshareGroup({
  ctx,
  principal,
  input: { groupId, principalKind, principalId },
}: {
  ctx: Context;
  principal: Principal;
  input: { groupId: string; principalKind: PrincipalKind; principalId: string };
}): Promise<void> {
  const { organizationId } = principal;
  const revoked = await ctx.db.transaction(async (tx) => {
    const { access, group } = await lockForGroup(tx, principal, groupId);
    const before = await storedGrants(tx, organizationId, and(heldBy(principalKind, principalId), heldOver("group", groupId)));
    if (before.length === 0) return [];
    refuseMore(access, before, standsAbove);
    await tx
      .delete(grants)
      .where(and(eq(grants.organizationId, organizationId), heldBy(principalKind, principalId), heldOver("group", groupId)));
    const name = principalKind === "token" ? "API token" : await nameOf(tx, organizationId, principalKind, principalId);
    await tell(tx, principal, group, { kind: principalKind, id: principalId, name }, { before: told(before), after: [] });
    return behind(tx, [{ principalKind, principalId }]);
  });
  tellRevoked(ctx, revoked);
}

interface Group {
  readonly id: string;
  readonly name: string;
}

async function lockForGroup(tx: Pick<Database, "select">, principal: Principal, groupId: string) {
  const [group] = await tx
    .select({ id: serverGroups.id, name: serverGroups.name, teamId: serverGroups.teamId })
    .from(serverGroups)
    .where(and(eq(serverGroups.id, groupId), eq(serverGroups.organizationId, principal.organizationId)));
  if (group === undefined) throw new AppError("not_found", "There is no such group");
  const { access } = await lockOrganization(
    tx,
    principal,
    "groups.manage",
    placeOf(principal.organizationId, "group", groupId, group.teamId),
  );
  return { access, group };
}

async function tell(
  tx: Pick<Database, "insert">,
  principal: Principal,
  group: Group,
  subject: { kind: string; id: string; name: string },
  change: { before: unknown; after: unknown },
): Promise<void> {
  await writeEvent(tx, principal, { type: "grants.changed", subject, groupId: group.id, data: change });
  await writeAudit(tx, principal, { action: "groups.share", targetKind: "group", targetId: group.id, ...change });
}
