import type { CreateTeam, UpdateTeam } from "@devflow/api";
import { AppError } from "@devflow/errors";
import { and, count, eq, or } from "drizzle-orm";
import { writeAudit } from "../../../platform/audit/index.ts";
import type { Principal } from "../../../platform/auth/index.ts";
import { grants, teams } from "../../../platform/auth/schema.ts";
import type { Context } from "../../../platform/context.ts";
import type { Database } from "../../../platform/db/index.ts";
import { writeEvent } from "../../../platform/events/index.ts";
import { lockOrganization, refuseMore, standsAbove } from "../grants/lock-organization.ts";
import { told } from "../grants/resolve.ts";
import { heldBy, heldOver, storedGrants } from "../grants/stored.ts";
import { behind, tellRevoked } from "../grants/tell-revoked.ts";

const maxTeams = 1_000;
const subjectOf = (id: string, name: string) => ({ kind: "team", id, name });

/** Makes a team without members and roles. Returns its id. Throws AppError conflict for a name that is taken. */
export async function createTeam({ ctx, principal, input }: { ctx: Context; principal: Principal; input: CreateTeam }): Promise<string> {
  const { organizationId } = principal;
  const { name, description = "" } = input;
  return ctx.db.transaction(async (tx) => {
    await lockOrganization(tx, principal, "teams.manage");
    const [existing] = await tx.select({ count: count() }).from(teams).where(eq(teams.organizationId, organizationId));
    if ((existing?.count ?? 0) >= maxTeams)
      throw new AppError("conflict", `There are ${maxTeams} teams already; delete those that nobody needs`);
    await refuseTaken(tx, organizationId, name);
    const [row] = await tx.insert(teams).values({ organizationId, name, description }).returning({ id: teams.id });
    await writeEvent(tx, principal, { type: "team.created", subject: subjectOf(row!.id, name), data: {} });
    await writeAudit(tx, principal, { action: "teams.create", targetKind: "team", targetId: row!.id, after: { name, description } });
    return row!.id;
  });
}

/** Renames or describes a team. Throws AppError not_found, conflict for a name that is taken. */
export async function updateTeam({
  ctx,
  principal,
  input: { teamId, ...input },
}: {
  ctx: Context;
  principal: Principal;
  input: UpdateTeam & { teamId: string };
}): Promise<void> {
  await ctx.db.transaction(async (tx) => {
    const { team } = await lockTeam(tx, principal, teamId);
    const before = { name: team.name, description: team.description };
    const after = { name: input.name ?? team.name, description: input.description ?? team.description };
    if (before.name === after.name && before.description === after.description) return;
    if (before.name !== after.name) await refuseTaken(tx, principal.organizationId, after.name);
    await tx.update(teams).set(after).where(eq(teams.id, teamId));
    await writeEvent(tx, principal, { type: "team.updated", subject: subjectOf(teamId, after.name), data: { before, after } });
    await writeAudit(tx, principal, { action: "teams.update", targetKind: "team", targetId: teamId, before, after });
  });
}

/**
 * Deletes a team: its people lose the roles that it gave them, its groups are owned by nobody, roles over what it owned
 * end. Throws AppError not_found, forbidden when somebody would lose more than the caller has.
 */
export async function deleteTeam({
  ctx,
  principal,
  input: { teamId },
}: {
  ctx: Context;
  principal: Principal;
  input: { teamId: string };
}): Promise<void> {
  const { organizationId } = principal;
  const revoked = await ctx.db.transaction(async (tx) => {
    const { team, access } = await lockTeam(tx, principal, teamId);
    const given = or(heldBy("team", teamId), heldOver("team", teamId));
    const before = await storedGrants(tx, organizationId, given);
    refuseMore(access, before, standsAbove);
    const changed = await behind(tx, before);
    await tx.delete(grants).where(and(eq(grants.organizationId, organizationId), given));
    await tx.delete(teams).where(eq(teams.id, teamId));
    await writeEvent(tx, principal, { type: "team.deleted", subject: subjectOf(teamId, team.name), data: {} });
    await writeAudit(tx, principal, {
      action: "teams.delete",
      targetKind: "team",
      targetId: teamId,
      before: { name: team.name, description: team.description, grants: told(before) },
    });
    return changed;
  });
  tellRevoked(ctx, revoked);
}

/** The team, while nobody else changes who may do what. Throws AppError not_found, forbidden for who does not lead it any more. */
export async function lockTeam(tx: Pick<Database, "select">, principal: Principal, teamId: string) {
  const { organizationId } = principal;
  const { access } = await lockOrganization(tx, principal, "teams.manage", { organizationId, teamId });
  const [team] = await tx
    .select()
    .from(teams)
    .where(and(eq(teams.id, teamId), eq(teams.organizationId, organizationId)));
  if (team === undefined) throw new AppError("not_found", "There is no such team");
  return { team, access };
}

async function refuseTaken(tx: Pick<Database, "select">, organizationId: string, name: string): Promise<void> {
  const [taken] = await tx
    .select({ id: teams.id })
    .from(teams)
    .where(and(eq(teams.organizationId, organizationId), eq(teams.name, name)));
  if (taken !== undefined)
    throw new AppError("conflict", `There is a team called “${name}” already`, {
      details: { fields: [{ path: "name", message: "this name is taken" }] },
    });
}
