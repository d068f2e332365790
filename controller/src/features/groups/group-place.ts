import { type Permission, permissions } from "@devflow/api";
import { AppError } from "@devflow/errors";
import { and, eq } from "drizzle-orm";
import { decide, demandPermission, holds, type Principal, type Scope } from "../../platform/auth/index.ts";
import type { Database } from "../../platform/db/index.ts";
import { serverGroups } from "./schema.ts";

/**
 * A group that something is to be put into, held until the transaction ends; null stands for no group at all, which is
 * the whole organisation's. Throws AppError invalid for a group that the principal cannot know of, forbidden without
 * the permission there.
 */
export async function placeInGroup(
  tx: Pick<Database, "select">,
  principal: Principal,
  permission: Permission,
  groupId: string | null,
): Promise<Scope> {
  const { organizationId } = principal;
  const scope: Scope = { organizationId };
  if (groupId === null) {
    demandPermission(principal, permission);
    return scope;
  }
  const [group] = await tx
    .select({ teamId: serverGroups.teamId })
    .from(serverGroups)
    .where(and(eq(serverGroups.id, groupId), eq(serverGroups.organizationId, organizationId)))
    .for("share");
  const place: Scope = { organizationId, groupId, teamId: group?.teamId ?? null };
  if (group === undefined || decide(principal, permission, place) === "not_found") {
    throw new AppError("invalid", "groupId: there is no such group", {
      details: { fields: [{ path: "groupId", message: "there is no such group" }] },
    });
  }
  demandPermission(principal, permission, place);
  return place;
}

/** What the principal may do with a thing at `to` and not at `from`: moving it there would be taking it. Null: nothing. */
export const gainByMove = ({ access }: Principal, from: Scope, to: Scope): Permission | null =>
  permissions.find((permission) => holds(access, permission, to) && !holds(access, permission, from)) ?? null;
