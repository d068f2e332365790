import type { CreatedInvitation, CreateInvitation } from "@devflow/api";
import { AppError } from "@devflow/errors";
import { and, count, eq, gt, inArray, isNull, sql } from "drizzle-orm";
import { writeAudit } from "../../../platform/audit/index.ts";
import type { Access, Principal } from "../../../platform/auth/index.ts";
import { memberships, teams, users } from "../../../platform/auth/schema.ts";
import type { Context } from "../../../platform/context.ts";
import type { Database } from "../../../platform/db/index.ts";
import { writeEvent } from "../../../platform/events/index.ts";
import { givesMore, lockOrganization, refuseMore, standsAbove } from "../grants/lock-organization.ts";
import { resolveGrants, told } from "../grants/resolve.ts";
import { heldBy, storedGrants } from "../grants/stored.ts";
import { invitations } from "../schema.ts";
import { codeHash, invitationLink, newCode } from "./code.ts";
import { inviterOf } from "./inviter.ts";
import { countMail } from "./mail-limit.ts";
import { invitationViews } from "./list-invitations.ts";
import { sendInvitation } from "./send.ts";

const dayMs = 86_400_000;
const defaultDays = 7;
const maxOpen = 500;

/**
 * Invites somebody by e-mail address, or whoever holds the link. With mail set the link goes out by mail and is shown
 * to nobody; otherwise it is in this answer and nowhere else.
 * Throws AppError forbidden for more than the caller holds at that place, conflict for a member's address.
 */
export async function createInvitation({
  ctx,
  principal,
  input,
}: {
  ctx: Context;
  principal: Principal;
  input: CreateInvitation;
}): Promise<CreatedInvitation> {
  const { organizationId } = principal;
  const email = input.email?.toLowerCase() ?? null;
  const teamIds = [...new Set(input.teamIds ?? [])];
  const now = ctx.clock.now();
  const expiresAt = new Date(now + (input.expiresInDays ?? defaultDays) * dayMs);
  const code = newCode();
  await countMail(ctx, organizationId, email);
  const made = await ctx.db.transaction(async (tx) => {
    const { access, organization } = await lockOrganization(tx, principal, "members.manage");
    const given = await resolveGrants(tx, organizationId, input.grants);
    refuseMore(access, given, givesMore);
    await refuseTeams(tx, organizationId, teamIds, access);
    await refuseNeedless(tx, organizationId, email, now);
    const [row] = await tx
      .insert(invitations)
      .values({
        organizationId,
        email,
        sha256: codeHash(code),
        grants: input.grants,
        teamIds,
        invitedBy: principal.userId,
        ...(await inviterOf(tx, principal)),
        createdAt: new Date(now),
        expiresAt,
      })
      .returning();
    const mailed = await mail(tx, ctx, principal, organization.name, row!, code);
    await writeEvent(tx, principal, {
      type: "member.invited",
      subject: { kind: "invitation", id: row!.id, name: email ?? "link" },
      data: { email },
    });
    await writeAudit(tx, principal, {
      action: "invitations.create",
      targetKind: "invitation",
      targetId: row!.id,
      after: { email, grants: told(given), teamIds, expiresAt: expiresAt.toISOString() },
    });
    return { row: { ...row!, mailedAt: mailed }, mailed: mailed !== null };
  });
  return answer(ctx, organizationId, made, code);
}

/**
 * Makes an invitation good for another seven days under a new code; the link that was there before leads nowhere. Also
 * for an expired one. Throws AppError not_found, conflict for one that was accepted or revoked, forbidden as createInvitation() does.
 */
export async function sendAgain({
  ctx,
  principal,
  input: { invitationId },
}: {
  ctx: Context;
  principal: Principal;
  input: { invitationId: string };
}): Promise<CreatedInvitation> {
  const { organizationId } = principal;
  const now = ctx.clock.now();
  const code = newCode();
  await countMail(ctx, organizationId, (await findInvitation(ctx.db, organizationId, invitationId))?.email ?? null);
  const made = await ctx.db.transaction(async (tx) => {
    const { access, organization } = await lockOrganization(tx, principal, "members.manage");
    const row = await lockInvitation(tx, organizationId, invitationId);
    if (row.acceptedAt !== null || row.revokedAt !== null)
      throw new AppError("conflict", `This invitation was ${row.acceptedAt !== null ? "accepted" : "revoked"}; make another one`);
    refuseMore(access, await resolveGrants(tx, organizationId, row.grants as CreateInvitation["grants"]), givesMore);
    await refuseTeams(tx, organizationId, row.teamIds, access);
    const next = {
      sha256: codeHash(code),
      expiresAt: new Date(now + defaultDays * dayMs),
      invitedBy: principal.userId,
      ...(await inviterOf(tx, principal)),
    };
    await tx
      .update(invitations)
      .set({ ...next, mailedAt: null })
      .where(eq(invitations.id, invitationId));
    const mailed = await mail(tx, ctx, principal, organization.name, { ...row, ...next }, code);
    await writeAudit(tx, principal, {
      action: "invitations.send-again",
      targetKind: "invitation",
      targetId: invitationId,
      after: { email: row.email, expiresAt: next.expiresAt.toISOString() },
    });
    return { row: { ...row, ...next, mailedAt: mailed }, mailed: mailed !== null };
  });
  return answer(ctx, organizationId, made, code);
}

/** Ends an invitation; its link leads nowhere from now on. Harmless when repeated. Throws AppError not_found, conflict for an accepted one. */
export async function revokeInvitation({
  ctx,
  principal,
  input: { invitationId },
}: {
  ctx: Context;
  principal: Principal;
  input: { invitationId: string };
}): Promise<void> {
  const { organizationId } = principal;
  await ctx.db.transaction(async (tx) => {
    const { access } = await lockOrganization(tx, principal, "members.manage");
    const row = await lockInvitation(tx, organizationId, invitationId);
    if (row.acceptedAt !== null) throw new AppError("conflict", "This invitation was accepted; remove the member instead");
    if (row.revokedAt !== null) return;
    const choices = row.grants as CreateInvitation["grants"];
    const known = await resolveGrants(tx, organizationId, choices).catch((error: unknown) => {
      // What it speaks of is gone: it gives nothing any more, and anybody may end it.
      if (error instanceof AppError && error.code === "invalid") return [];
      throw error;
    });
    refuseMore(access, known, standsAbove);
    await tx
      .update(invitations)
      .set({ revokedAt: new Date(ctx.clock.now()) })
      .where(eq(invitations.id, invitationId));
    await writeAudit(tx, principal, {
      action: "invitations.revoke",
      targetKind: "invitation",
      targetId: invitationId,
      before: { email: row.email },
    });
  });
}

type Row = typeof invitations.$inferSelect;

async function answer(
  ctx: Context,
  organizationId: string,
  { row, mailed }: { row: Row; mailed: boolean },
  code: string,
): Promise<CreatedInvitation> {
  if (mailed) ctx.bus.emit("mail.queued", {});
  const [view] = await invitationViews(ctx.db, organizationId, [row], ctx.clock.now());
  return { invitation: view!, link: mailed ? null : invitationLink(ctx.config, code), mailed };
}

/** Sends it when it has an address and mail can be sent. Returns when; null when the link has to be handed over by a person. */
async function mail(
  tx: Database,
  ctx: Context,
  principal: Principal,
  organizationName: string,
  row: Row,
  code: string,
): Promise<Date | null> {
  if (row.email === null) return null;
  const { email: to, expiresAt } = row;
  const link = invitationLink(ctx.config, code);
  if (!(await sendInvitation(tx, ctx, { to, organizationName, invitedBy: principal.name, link, expiresAt }))) return null;
  const mailedAt = new Date(ctx.clock.now());
  await tx.update(invitations).set({ mailedAt }).where(eq(invitations.id, row.id));
  return mailedAt;
}

async function refuseTeams(
  tx: Pick<Database, "select">,
  organizationId: string,
  teamIds: readonly string[],
  access: Access,
): Promise<void> {
  if (teamIds.length === 0) return;
  const found = await tx
    .select({ id: teams.id })
    .from(teams)
    .where(and(eq(teams.organizationId, organizationId), inArray(teams.id, [...teamIds])));
  const missing = teamIds.find((id) => !found.some((team) => team.id === id));
  if (missing !== undefined) throw new AppError("invalid", `teamIds: there is no team ${missing} here`);
  for (const id of teamIds) refuseMore(access, await storedGrants(tx, organizationId, heldBy("team", id)), givesMore);
}

async function refuseNeedless(tx: Pick<Database, "select">, organizationId: string, email: string | null, nowMs: number): Promise<void> {
  const open = and(
    eq(invitations.organizationId, organizationId),
    isNull(invitations.acceptedAt),
    isNull(invitations.revokedAt),
    gt(invitations.expiresAt, new Date(nowMs)),
  );
  const [existing] = await tx.select({ count: count() }).from(invitations).where(open);
  if ((existing?.count ?? 0) >= maxOpen) throw new AppError("conflict", `There are ${maxOpen} open invitations already; revoke some`);
  if (email === null) return;
  const field = (message: string) => ({ details: { fields: [{ path: "email", message }] } });
  const [member] = await tx
    .select({ id: users.id })
    .from(memberships)
    .innerJoin(users, eq(users.id, memberships.userId))
    .where(and(eq(memberships.organizationId, organizationId), eq(sql`lower(${users.email})`, email)));
  if (member !== undefined) throw new AppError("conflict", `${email} is a member already`, field("is a member already"));
  const [invited] = await tx
    .select({ id: invitations.id })
    .from(invitations)
    .where(and(open, eq(invitations.email, email)));
  if (invited !== undefined)
    throw new AppError("conflict", `${email} is invited already; send that invitation again, or revoke it`, field("is invited already"));
}

const theOne = (organizationId: string, invitationId: string) =>
  and(eq(invitations.id, invitationId), eq(invitations.organizationId, organizationId));

async function findInvitation(db: Pick<Database, "select">, organizationId: string, invitationId: string): Promise<Row | undefined> {
  const [row] = await db.select().from(invitations).where(theOne(organizationId, invitationId));
  return row;
}

async function lockInvitation(tx: Pick<Database, "select">, organizationId: string, invitationId: string): Promise<Row> {
  const [row] = await tx.select().from(invitations).where(theOne(organizationId, invitationId)).for("update");
  if (row === undefined) throw new AppError("not_found", "There is no such invitation");
  return row;
}
