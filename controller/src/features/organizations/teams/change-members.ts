import type { AddTeamMember } from "@devflow/api";
import { AppError } from "@devflow/errors";
import { and, count, eq, sql } from "drizzle-orm";
import { writeAudit } from "../../../platform/audit/index.ts";
import type { Principal } from "../../../platform/auth/index.ts";
import { memberships, teamMembers, users } from "../../../platform/auth/schema.ts";
import type { Context } from "../../../platform/context.ts";
import type { Database } from "../../../platform/db/index.ts";
import { writeEvent } from "../../../platform/events/index.ts";
import { givesMore, refuseMore, standsAbove } from "../grants/lock-organization.ts";
import { heldBy, storedGrants } from "../grants/stored.ts";
import { tellRevoked } from "../grants/tell-revoked.ts";
import { lockTeam } from "./change-team.ts";

const maxMembers = 2_000;

/**
 * Puts a member of the organisation into a team, whose roles they have from now on. Harmless when they are in it.
 * Throws AppError not_found, forbidden when the team may do more than the caller.
 */
export async function addTeamMember({
  ctx,
  principal,
  input: { teamId, who },
}: {
  ctx: Context;
  principal: Principal;
  input: { teamId: string; who: AddTeamMember };
}): Promise<void> {
  const { organizationId } = principal;
  const userId = await ctx.db.transaction(async (tx) => {
    const { team, access } = await lockTeam(tx, principal, teamId);
    const user = await findMember(tx, organizationId, who);
    refuseMore(access, await storedGrants(tx, organizationId, heldBy("team", teamId)), givesMore);
    const [existing] = await tx.select({ count: count() }).from(teamMembers).where(eq(teamMembers.teamId, teamId));
    if ((existing?.count ?? 0) >= maxMembers) throw new AppError("conflict", `A team has ${maxMembers} people at most`);
    const added = await tx.insert(teamMembers).values({ teamId, organizationId, userId: user.id }).onConflictDoNothing().returning();
    if (added.length === 0) return null;
    await tell(tx, principal, team, { after: { member: user.email } });
    return user.id;
  });
  if (userId !== null) tellRevoked(ctx, [{ kind: "user", id: userId }]);
}

/** Takes somebody out of a team, and its roles from them. Harmless when they are not in it. Throws AppError not_found, forbidden. */
export async function removeTeamMember({
  ctx,
  principal,
  input: { teamId, userId },
}: {
  ctx: Context;
  principal: Principal;
  input: { teamId: string; userId: string };
}): Promise<void> {
  const { organizationId } = principal;
  const removed = await ctx.db.transaction(async (tx) => {
    const { team, access } = await lockTeam(tx, principal, teamId);
    // Whoever leads a team may always leave it themselves.
    if (userId !== principal.userId) refuseMore(access, await storedGrants(tx, organizationId, heldBy("team", teamId)), standsAbove);
    const gone = await tx
      .delete(teamMembers)
      .where(and(eq(teamMembers.teamId, teamId), eq(teamMembers.userId, userId)))
      .returning();
    if (gone.length === 0) return false;
    const [user] = await tx.select({ email: users.email }).from(users).where(eq(users.id, userId));
    await tell(tx, principal, team, { before: { member: user?.email ?? userId } });
    return true;
  });
  if (removed) tellRevoked(ctx, [{ kind: "user", id: userId }]);
}

async function findMember(tx: Pick<Database, "select">, organizationId: string, who: AddTeamMember) {
  const [user] = await tx
    .select({ id: users.id, email: users.email })
    .from(memberships)
    .innerJoin(users, eq(users.id, memberships.userId))
    .where(
      and(
        eq(memberships.organizationId, organizationId),
        "userId" in who ? eq(users.id, who.userId) : eq(sql`lower(${users.email})`, who.email.toLowerCase()),
      ),
    );
  if (user === undefined)
    throw new AppError("invalid", "Nobody of this organisation is called so; invite them first", {
      details: { fields: [{ path: "userId" in who ? "userId" : "email", message: "nobody of this organisation" }] },
    });
  return user;
}

async function tell(
  tx: Pick<Database, "insert">,
  principal: Principal,
  team: { id: string; name: string },
  change: { before?: unknown; after?: unknown },
): Promise<void> {
  await writeEvent(tx, principal, { type: "team.updated", subject: { kind: "team", ...pick(team) }, data: change });
  await writeAudit(tx, principal, {
    action: change.after === undefined ? "teams.remove-member" : "teams.add-member",
    targetKind: "team",
    targetId: team.id,
    ...change,
  });
}

const pick = ({ id, name }: { id: string; name: string }) => ({ id, name });
